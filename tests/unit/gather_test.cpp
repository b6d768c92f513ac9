// Constants of few values as indices: the same results, and read back they are what they were.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tinyc/emit/lower.h"
#include "tinyc/ir/verify.h"
#include "tinyc/onnx/export.h"
#include "tinyc/onnx/import.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

// Elements drawn from `count` integers of any distance.
Tensor integers_of(Dims dims, int count, DataType dtype, uint64_t seed) {
  Tensor tensor = Tensor::zeros(dtype, std::move(dims));
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const auto drawn = static_cast<int64_t>(rng.below(static_cast<uint64_t>(count)));
    if (bits_of(dtype) < 8) {
      store_packed(tensor.mutable_bytes(), dtype, i, drawn - count / 2);
    } else {
      tensor.mutable_bytes()[i] = static_cast<std::byte>(drawn * 7 - 50);
    }
  }
  return tensor;
}

ValueId packed_weight(GraphBuilder& b, const std::string& name, const Tensor& integers) {
  const ValueId stored = b.constant(name + "_q", integers);
  return b.node("DequantizeLinear", {stored, b.constant(name + "_scale", Tensor::scalar(0.01F))});
}

// Two layers: of 5 * 333 weights, and of 333 * 4 with `second` values.
Graph two_layers(int first, int second, DataType dtype = DataType::kInt8) {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 5});
  const ValueId hidden =
      b.node("MatMul", {x, packed_weight(b, "w1", integers_of({5, 333}, first, DataType::kInt8, 1))});
  return b.finish({b.node("MatMul", {hidden, packed_weight(b, "w2", integers_of({333, 4}, second, dtype, 2))})});
}

void expect_same(const Graph& plain, const Graph& gathered) {
  const Sample sample = random_sample(plain, 7);
  const std::vector<Tensor> expected = run(plain, sample), found = run(gathered, sample);
  ASSERT_EQ(expected.size(), found.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(found[i].same_bytes(expected[i]));
}

TEST(Gather, ConstantsOfOneWidthShareTheirUnpacking) {
  const Graph plain = two_layers(16, 9), gathered = with_gathered_constants(plain);
  verify(gathered);
  EXPECT_EQ(count_ops(gathered), (std::map<std::string, int>{{"BitShift", 1},
                                                             {"Cast", 1},
                                                             {"DequantizeLinear", 2},
                                                             {"Flatten", 1},
                                                             {"Gather", 2},
                                                             {"MatMul", 2},
                                                             {"Mod", 1},
                                                             {"Reshape", 2},
                                                             {"Split", 1}}));
  EXPECT_LT(export_model(gathered).size() + 600, export_model(plain).size());
  expect_same(plain, gathered);
}

TEST(Gather, AnyWidthsAndTypesGiveTheSameBits) {
  for (const auto& [first, second] : {std::pair{2, 16}, {3, 4}, {1, 2}, {17, 5}}) {
    const Graph plain = two_layers(first, second), gathered = with_gathered_constants(plain);
    verify(gathered);
    EXPECT_LT(export_model(gathered).size(), export_model(plain).size());
    expect_same(plain, gathered);
  }
  const Graph narrow = two_layers(200, 2, DataType::kInt4), gathered = with_gathered_constants(narrow);
  EXPECT_EQ(count_ops(gathered)["Gather"], 1);
  expect_same(narrow, gathered);
}

// A convolution of 16 by 12 kernels whose weights are one of 16 vectors of `length` along `axis`.
Graph convolution_of_vectors(size_t axis, int64_t length) {
  const Dims dims{16, 12, 3, 3};
  const Tensor entries = integers_of({16, length}, 255, DataType::kInt8, 5);
  Tensor weights = Tensor::zeros(DataType::kInt8, dims);
  int64_t stride = 1;
  for (size_t later = axis + 1; later < dims.size(); ++later) stride *= dims[later];
  for (int64_t i = 0; i < weights.size(); ++i) {
    const int64_t at = i / stride % (axis == 3 ? weights.size() : dims[axis]);
    const auto first = static_cast<uint64_t>(i - at % length * stride);
    const auto entry = static_cast<int64_t>(splitmix64(first) % 16);
    weights.mutable_bytes()[i] = entries.bytes()[entry * length + at % length];
  }
  GraphBuilder b;
  return b.finish({b.node("Conv", {b.input("x", {1, 12, 5, 5}), packed_weight(b, "w", weights)})});
}

TEST(Gather, VectorsAlongAnyAxisAreFound) {
  for (const auto& [axis, length] : {std::pair<size_t, int64_t>{0, 4}, {1, 4}, {1, 12}, {3, 9}}) {
    const Graph plain = convolution_of_vectors(axis, length);
    Graph gathered = with_gathered_constants(plain);
    verify(gathered);
    EXPECT_EQ(count_ops(gathered)["Transpose"], axis == 3 ? 0 : 1);
    EXPECT_LT(export_model(gathered).size() + 300, export_model(plain).size()) << axis << " " << length;
    expect_same(plain, gathered);
    PassContext context;
    run_pass(gathered, "fold-integers", context);
    EXPECT_EQ(export_model(gathered).size(), export_model(plain).size());
  }
}

TEST(Gather, WhatWouldNotBeSmallerStays) {
  const Graph plain = two_layers(60, 200);
  EXPECT_EQ(export_model(with_gathered_constants(plain)), export_model(plain));
  const Graph narrow = two_layers(255, 5, DataType::kInt4);
  EXPECT_EQ(export_model(with_gathered_constants(narrow)), export_model(narrow));
  const Graph small = lower_to_qdq(quantized(classifier()));
  EXPECT_EQ(export_model(with_gathered_constants(small)), export_model(small));
}

TEST(Gather, ReadBackItIsThePlainModel) {
  const Graph plain = two_layers(4, 16);
  Graph again = import_model_bytes(export_model(with_gathered_constants(plain)));
  infer_types(again);
  PassContext context;
  EXPECT_TRUE(run_pass(again, "fold-integers", context));
  EXPECT_EQ(export_model(again).size(), export_model(plain).size());
  run_pass(again, "lift-quantization", context);
  verify(again);
  for (const Node& node : again.nodes) {
    const Value& weight = again[node.inputs[1]];
    ASSERT_TRUE(weight.constant && weight.quant);
    const auto stored = std::find_if(plain.values.begin(), plain.values.end(), [&](const Value& value) {
      return value.constant && value.constant->same_bytes(*weight.constant);
    });
    EXPECT_NE(stored, plain.values.end());
  }
}

TEST(Gather, NamesThatAreTakenAreLeftAlone) {
  GraphBuilder b;
  const ValueId x = b.input("indices", {2, 5});
  const ValueId hidden =
      b.node("MatMul", {x, packed_weight(b, "codebook", integers_of({5, 333}, 4, DataType::kInt8, 1))});
  Graph plain = b.finish({hidden});
  plain.nodes.back().name = "all_indices";
  const Graph gathered = with_gathered_constants(plain);
  verify(gathered);
  expect_same(plain, gathered);
}

}  // namespace
}  // namespace tinyc::testing
