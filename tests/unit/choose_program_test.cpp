// Which layers are coded when time counts.
#include "driver/choose_program.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tinyc/base/rng.h"
#include "unit/product_layers.h"

namespace tinyc {
namespace {

using testing::one_conv;
using testing::one_gemm;
using testing::quantized;

// Weights of which one in `apart` is not 0.
Graph with_zeros(const Graph& made, uint64_t apart) {
  Graph graph = quantized(made, {});
  Rng rng(3);
  for (Value& value : graph.values) {
    if (!value.constant || value.constant->dtype() != DataType::kInt8) continue;
    std::vector<int8_t> levels(static_cast<size_t>(value.constant->size()), 0);
    for (int8_t& level : levels) {
      if (rng.below(apart) == 0) level = static_cast<int8_t>(rng.below(20));
    }
    value.constant = Tensor::of<int8_t>(value.constant->dims(), levels);
  }
  return graph;
}

int64_t streams(const DeviceProgram& program) {
  return std::count_if(program.calls.begin(), program.calls.end(),
                       [](const KernelCall& call) { return call.decoded + call.multiplied > 0; });
}

int64_t streams(const Graph& graph, std::string_view choice, std::string_view target = kDefaultTarget) {
  return streams(*choose_program(graph, parse_coders(choice), choice == "fast", require_target(target), {}));
}

TEST(ChooseProgram, ALayerOfOnePlaceIsCodedFastOnlyWhereZerosAreLeftOut) {
  const Graph dense = with_zeros(one_gemm(400, 60, true), 2);
  EXPECT_EQ(streams(dense, "none"), 0);
  EXPECT_EQ(streams(dense, "smallest"), 1);
  EXPECT_EQ(streams(dense, "fast"), 0);
  EXPECT_EQ(streams(with_zeros(one_gemm(400, 60, true), 20), "fast"), 1);
}

TEST(ChooseProgram, WhatIsFastDependsOnTheTarget) {
  const Graph graph = with_zeros(one_gemm(400, 60, true), 4);
  EXPECT_EQ(streams(graph, "fast", "cortex-m0plus"), 1);
  EXPECT_EQ(streams(graph, "fast", "cortex-m55"), 0);
}

TEST(ChooseProgram, ALayerOfManyPlacesIsCodedByAny) {
  const Graph pointwise = with_zeros(one_conv({1, 100, 16, 16}, {80, 100, 1, 1}, {}), 2);
  EXPECT_EQ(streams(pointwise, "fast"), 1);
}

}  // namespace
}  // namespace tinyc
