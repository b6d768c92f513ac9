// What transformers are made of on a device, in integers: layer normalization, products of computed matrices, and
// attention with heads, against the simulated engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/code/program.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

using Ints = std::vector<int64_t>;

size_t calls_of(const DeviceProgram& program, std::string_view name) {
  return static_cast<size_t>(std::count_if(program.calls.begin(), program.calls.end(),
                                           [&](const KernelCall& call) { return call.kernel->name == name; }));
}

// Every element of every result within that many steps of its grid, all calls in integers.
DeviceProgram expect_agrees(const Graph& graph, float steps) {
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs) {
    inputs.push_back(GraphBuilder::random_tensor(*graph[id].type.shape.known_dims(), 1.0F, inputs.size() + 3));
  }
  const auto expected = run(graph, Engine::kSimulated, inputs);
  const auto actual = run(graph, Engine::kInteger, inputs);
  for (size_t i = 0; i < expected.size(); ++i) {
    const float scale = std::get<QParams>(*graph[graph.outputs[i]].quant).scales[0];
    const auto want = expected[i].data<float>();
    const auto got = actual[i].data<float>();
    for (size_t k = 0; k < want.size(); ++k) EXPECT_NEAR(got[k], want[k], scale * (steps + 0.001F)) << "element " << k;
  }
  DeviceProgram program = make_device_program(graph);
  for (const KernelCall& call : program.calls) EXPECT_TRUE(call.kernel->name.ends_with("_s8")) << call.kernel->name;
  return program;
}

TEST(AttentionCode, LayerNormalization) {
  for (const int64_t count : {1, 2, 7, 48, 257}) {
    SCOPED_TRACE(count);
    GraphBuilder b;
    const ValueId x = b.input("x", {3, 5, count});
    expect_agrees(
        quantized(b.finish({b.node("LayerNormalization", {x, b.random("scale", {count}), b.random("bias", {count})})})),
        1.0F);
  }
}

TEST(AttentionCode, LayerNormalizationOverSeveralAxes) {
  GraphBuilder b;
  const ValueId x = b.input("x", {3, 5, 6});
  const ValueId normalized =
      b.node("LayerNormalization", {x, b.random("scale", {6})}, {{"axis", int64_t{1}}, {"epsilon", 0.01F}});
  expect_agrees(quantized(b.finish({normalized})), 1.0F);
}

TEST(AttentionCode, ProductsOfComputedMatrices) {
  const Dims shapes[][2] = {
      {{4, 5}, {5, 3}}, {{2, 4, 5}, {2, 5, 3}}, {{2, 3, 4, 5}, {2, 3, 5, 7}}, {{2, 4, 5}, {5, 3}}, {{4, 5}, {3, 5, 1}}};
  for (const auto& [a, b_dims] : shapes) {
    SCOPED_TRACE(a.size());
    GraphBuilder b;
    const auto input = [&](const std::string& name, const Dims& dims) {
      Shape shape;
      for (int64_t dim : dims) shape.push_back(dim);
      return b.input(name, shape);
    };
    const ValueId x = input("x", a);
    const ValueId y = input("y", b_dims);
    const DeviceProgram program = expect_agrees(quantized(b.finish({b.node("MatMul", {x, y})})), 1.0F);
    EXPECT_EQ(calls_of(program, "tc_matmul_s8"), 1U);
  }
}

// Two heads of four channels: rows are split, transposed, multiplied and put together again.
TEST(AttentionCode, HeadsAreReadWhereTheyAre) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 6, 8});
  const ValueId split = b.constant("split", Tensor::of<int64_t>({4}, Ints{1, 6, 2, 4}));
  const auto heads = [&](const std::string& name, Ints perm) {
    const ValueId rows = b.node("MatMul", {x, b.random(name, {8, 8})});
    return b.node("Transpose", {b.node("Reshape", {rows, split})}, {{"perm", std::move(perm)}});
  };
  const ValueId scores = b.node("MatMul", {heads("q", {0, 2, 1, 3}), heads("k", {0, 2, 3, 1})});
  const ValueId scaled = b.node("Mul", {scores, b.constant("scale", Tensor::scalar(0.5F))});
  const ValueId mixed = b.node("MatMul", {b.node("Softmax", {scaled}), heads("v", {0, 2, 1, 3})});
  const ValueId joined = b.node("Reshape", {b.node("Transpose", {mixed}, {{"perm", Ints{0, 2, 1, 3}}}),
                                            b.constant("join", Tensor::of<int64_t>({3}, Ints{1, 6, 8}))});
  const DeviceProgram program =
      expect_agrees(quantized(b.finish({b.node("MatMul", {joined, b.random("o", {8, 8})})})), 3);
  EXPECT_EQ(calls_of(program, "tc_transpose_s8"), 0U);
}

// An image whose pixels become rows stays channels-last: nothing is transposed.
TEST(AttentionCode, PixelsBecomeRows) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 4, 5});
  const ValueId conv = b.node("Conv", {x, b.random("w", {6, 3, 1, 1})});
  const ValueId flat = b.node("Reshape", {conv, b.constant("dims", Tensor::of<int64_t>({3}, Ints{1, 6, 20}))});
  const ValueId rows = b.node("Transpose", {flat}, {{"perm", Ints{0, 2, 1}}});
  const DeviceProgram program =
      expect_agrees(quantized(b.finish({b.node("MatMul", {rows, b.random("v", {6, 6})})})), 2);
  EXPECT_EQ(calls_of(program, "tc_transpose_s8"), 0U);
}

}  // namespace
}  // namespace tinyc::testing
