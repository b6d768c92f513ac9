// Packed weights in device programs: the same bytes come out as with weights of 8 bits, from less flash.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "unit/product_layers.h"

namespace tinyc::testing {
namespace {

class PackedWeights : public ::testing::TestWithParam<std::tuple<ProductLayer, int, int>> {};

TEST_P(PackedWeights, GiveTheSameBytes) {
  const auto& [layer, bits, block] = GetParam();
  QuantizationSettings settings;
  settings.weight_bits = bits;
  settings.weight_block = block;
  const Graph graph = quantized(layer.make(), settings);
  const DeviceProgram packed = make_device_program(graph);
  const DeviceProgram plain = make_device_program(graph, {.pack_weights = false});
  EXPECT_LT(constant_bytes(packed), constant_bytes(plain));
  for (const uint64_t seed : {1U, 2U}) {
    const std::vector<int8_t> expected = run(plain, seed);
    const std::vector<int8_t> actual = run(packed, seed);
    ASSERT_EQ(actual.size(), expected.size());
    const auto off = std::mismatch(actual.begin(), actual.end(), expected.begin());
    ASSERT_EQ(off.first, actual.end()) << "byte " << off.first - actual.begin();
    EXPECT_GT(std::set<int8_t>(actual.begin(), actual.end()).size(), 5U);
  }
}

std::string name_of_case(const ::testing::TestParamInfo<PackedWeights::ParamType>& info) {
  const auto& [layer, bits, block] = info.param;
  return layer.name + "Bits" + std::to_string(bits) + "Block" + std::to_string(block);
}

INSTANTIATE_TEST_SUITE_P(Layers, PackedWeights,
                         ::testing::Combine(::testing::ValuesIn(kProductLayers), ::testing::Values(1, 2, 3, 4),
                                            ::testing::Values(0, 16)),
                         name_of_case);

TEST(PackedWeightsTest, AWideBlockOfRowsDoesNotNeedTheWholeLayerInTheArena) {
  QuantizationSettings settings;
  settings.weight_bits = 4;
  const DeviceProgram program = make_device_program(quantized(one_gemm(300, 90, true), settings));
  EXPECT_LT(program.arena_bytes, 300 * 90 / 2);
}

// Few levels in bytes, a large step and a narrow result: without a shift of the weights its multiplier would exceed
// what the fast kernels take.
TEST(PackedWeightsTest, FewLevelsInBytesKeepTheFastKernels) {
  GraphBuilder b;
  const ValueId conv = b.node("Conv", {b.input("x", {1, 8, 6, 6}), b.random("w", {12, 8, 1, 1}, 0.4F)});
  const ValueId low = b.constant("low", Tensor::scalar(0.0F));
  const ValueId high = b.constant("high", Tensor::scalar(0.1F));
  Graph graph = quantized(b.finish({b.node("Clip", {conv, low, high})}), {});
  for (Value& value : graph.values) {
    if (!value.constant || value.constant->dtype() != DataType::kInt8) continue;
    const std::vector<int64_t> codes = value.constant->to_int64();
    for (size_t i = 0; i < codes.size(); ++i)
      value.constant->mutable_bytes()[i] = static_cast<std::byte>(codes[i] / 12);
    for (float& scale : std::get<QParams>(*value.quant).scales) scale *= 12;
  }
  const DeviceProgram program = make_device_program(graph);
  ASSERT_EQ(program.calls.size(), 1U);
  EXPECT_EQ(program.calls[0].kernel->name, "tc_pointwise_s8");
}

}  // namespace
}  // namespace tinyc::testing
