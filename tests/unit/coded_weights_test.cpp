// Coded weights in device programs: the same bytes come out as with weights of 8 bits, from less flash.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "unit/product_layers.h"

namespace tinyc::testing {
namespace {

// Weights as entropy coding likes them: 9 values, `step` apart, most of them 0.
Graph with_sparse_weights(Graph graph, int64_t step = 1) {
  Rng rng(11);
  for (Value& value : graph.values) {
    if (!value.constant || value.constant->dtype() != DataType::kInt8) continue;
    Tensor weights = Tensor::zeros(DataType::kInt8, value.constant->dims());
    for (int64_t i = 0; i < weights.size(); ++i) {
      const auto level = static_cast<int8_t>(step * (static_cast<int64_t>(rng.below(9)) - 4));
      if (rng.below(4) == 0) weights.mutable_bytes()[i] = static_cast<std::byte>(level);
    }
    value.constant = std::move(weights);
  }
  return graph;
}

class CodedWeights : public ::testing::TestWithParam<std::tuple<ProductLayer, const CoderDef*>> {};

TEST_P(CodedWeights, GiveTheSameBytes) {
  const auto& [layer, coder] = GetParam();
  const Graph graph = with_sparse_weights(quantized(layer.make(), {}), 3);
  const DeviceProgram plain = make_device_program(graph);
  const DeviceProgram coded = make_device_program(graph, {.coders = {coder}});
  const bool is_coded = std::any_of(coded.calls.begin(), coded.calls.end(),
                                    [](const KernelCall& call) { return call.decoded + call.multiplied > 0; });
  EXPECT_EQ(constant_bytes(coded) < constant_bytes(plain), is_coded);
  EXPECT_TRUE(is_coded || constant_bytes(plain) < 512);
  for (const uint64_t seed : {1U, 2U}) {
    const std::vector<int8_t> expected = run(plain, seed);
    const std::vector<int8_t> actual = run(coded, seed);
    ASSERT_EQ(actual.size(), expected.size());
    const auto off = std::mismatch(actual.begin(), actual.end(), expected.begin());
    ASSERT_EQ(off.first, actual.end()) << "byte " << off.first - actual.begin();
    EXPECT_GT(std::set<int8_t>(actual.begin(), actual.end()).size(), 3U);
  }
}

std::string name_of_case(const ::testing::TestParamInfo<CodedWeights::ParamType>& info) {
  const auto& [layer, coder] = info.param;
  return layer.name + "By" + std::string(coder->name);
}

INSTANTIATE_TEST_SUITE_P(Layers, CodedWeights,
                         ::testing::Combine(::testing::ValuesIn(kProductLayers),
                                            ::testing::ValuesIn(all_coders().begin(), all_coders().end())),
                         name_of_case);

TEST(CodedWeightsTest, TheFormOfEachLayersWeightsIsToldAndAddsUp) {
  const Graph graph = with_sparse_weights(quantized(one_gemm(300, 90, true), {}));
  const DeviceProgram program = make_device_program(graph, {.coders = parse_coders("smallest")});
  const auto weights = std::find_if(program.constants.begin(), program.constants.end(),
                                    [](const DeviceConstant& constant) { return !constant.form.coding.empty(); });
  ASSERT_NE(weights, program.constants.end());
  EXPECT_EQ(weights->form.coding, "arithmetic");
  EXPECT_EQ(weights->form.parts.total(), static_cast<int64_t>(weights->data.byte_size()));
  EXPECT_NEAR(weights->form.entropy_bits / 8, static_cast<double>(weights->data.byte_size()), 64.0);
}

TEST(CodedWeightsTest, BytesThatNoCoderMakesFewerStay) {
  const Graph graph = quantized(one_gemm(300, 90, true), {});
  const DeviceProgram plain = make_device_program(graph);
  const DeviceProgram program = make_device_program(graph, {.coders = {&find_coder("sparse")}});
  EXPECT_EQ(constant_bytes(program), constant_bytes(plain));
  EXPECT_EQ(program.calls.size(), plain.calls.size());
}

TEST(CodedWeightsTest, AWideBlockOfRowsDoesNotNeedTheWholeLayerInTheArena) {
  const Graph graph = with_sparse_weights(quantized(one_gemm(300, 90, true), {}));
  const DeviceProgram program = make_device_program(graph, {.coders = parse_coders("arithmetic")});
  EXPECT_LT(program.arena_bytes, 300 * 90 / 2);
}

}  // namespace
}  // namespace tinyc::testing
