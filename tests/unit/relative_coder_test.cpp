// The coder of gaps and values in whole bytes, and the kernels that compute with its streams.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tinyc/base/rng.h"
#include "tinyc/coding/coder.h"
#include "unit/product_layers.h"

namespace tinyc {
namespace {

constexpr int64_t kRows = 32;
constexpr int64_t kColumns = 100;

// One level in `apart`, a number from 1 to `largest` times 3.
std::vector<int8_t> sparse_levels(uint64_t apart, uint64_t largest) {
  Rng rng(7);
  std::vector<int8_t> levels(kRows * kColumns, 0);
  for (int8_t& level : levels) {
    if (rng.below(apart) == 0) level = static_cast<int8_t>(3 * (1 + rng.below(largest)));
  }
  return levels;
}

CodedLevels coded(const std::vector<int8_t>& levels) {
  const CoderDef& coder = find_coder("relative");
  CodedLevels result = coder.encode({levels, kRows, kColumns});
  EXPECT_EQ(coder.decode(result.stream, kRows, kColumns), levels);
  return result;
}

TEST(RelativeCoder, TakesAByteForEachLevelThatIsNotZero) {
  const std::vector<int8_t> levels = sparse_levels(4, 6);
  const auto zeros = std::count(levels.begin(), levels.end(), int8_t{0});
  const CodedLevels result = coded(levels);
  EXPECT_LT(result.entries, (kRows * kColumns - zeros) * 102 / 100 + 1);
  EXPECT_EQ(result.parts.gaps + result.parts.indices, result.entries);
  EXPECT_EQ(result.parts.codebook, 8);
}

TEST(RelativeCoder, TakesTwoBytesWhereThereAreManyLevels) {
  const CodedLevels result = coded(sparse_levels(20, 42));
  EXPECT_EQ(result.parts.values, result.entries);
  EXPECT_EQ(result.parts.gaps, result.entries);
  EXPECT_EQ(result.parts.codebook, 0);
}

TEST(RelativeCoder, NoticesAChangedGap) {
  const CodedLevels result = coded(sparse_levels(4, 6));
  std::vector<uint8_t> changed = result.stream;
  changed[changed.size() / 2] ^= 0x80;
  EXPECT_FALSE(find_coder("relative").decode(changed, kRows, kColumns));
}

using testing::one_conv;
using testing::one_gemm;
using testing::quantized;

// The kernel of the graph's only layer, with weights of which one in `apart` is not 0.
std::string_view product_kernel(const Graph& made, uint64_t apart) {
  Graph graph = quantized(made, {});
  for (Value& value : graph.values) {
    if (!value.constant || value.constant->dtype() != DataType::kInt8) continue;
    value.constant = Tensor::of<int8_t>(value.constant->dims(), sparse_levels(apart, 6));
  }
  const DeviceProgram program = make_device_program(graph, {.coders = {&find_coder("relative")}});
  return program.calls.back().kernel->name;
}

TEST(RelativeCoder, ALayerOfOnePlaceIsComputedFromTheStream) {
  const Graph gemm = one_gemm(kColumns, kRows, true);
  EXPECT_EQ(product_kernel(gemm, 4), "tc_dense_relative_s8");
  EXPECT_EQ(product_kernel(gemm, 1), "tc_dense_s8");
}

TEST(RelativeCoder, ALayerOfManyPlacesIsWhereFewWeightsAreLeft) {
  const Graph pointwise = one_conv({1, kColumns, 3, 3}, {kRows, kColumns, 1, 1}, {});
  EXPECT_EQ(product_kernel(pointwise, 10), "tc_pointwise_relative_s8");
  EXPECT_EQ(product_kernel(pointwise, 3), "tc_pointwise_s8");
  const Graph conv = one_conv({1, kColumns / 4, 3, 3}, {kRows, kColumns / 4, 2, 2}, {});
  EXPECT_EQ(product_kernel(conv, 10), "tc_conv_relative_s8");
}

}  // namespace
}  // namespace tinyc
