// LSTM and GRU on a device in integers, against the simulated engine (grids, but float states inside) and the float
// one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/code/program.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

std::vector<Tensor> inputs_of(const Graph& graph) {
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs) {
    inputs.push_back(GraphBuilder::random_tensor(*graph[id].type.shape.known_dims(), 1.0F, inputs.size() + 7));
  }
  return inputs;
}

struct Sizes {
  int64_t steps, inputs, hidden, directions;
};

// W, R and B; `more` operands behind them.
ValueId recurrent(GraphBuilder& b, const std::string& op, ValueId x, const Sizes& sizes, AttributeList attributes,
                  std::vector<ValueId> more = {}) {
  const int64_t rows = (op == "LSTM" ? 4 : 3) * sizes.hidden;
  const float scale = 1.5F / std::sqrt(static_cast<float>(sizes.hidden));
  std::vector<ValueId> inputs = {x, b.random("w", {sizes.directions, rows, sizes.inputs}),
                                 b.random("r", {sizes.directions, rows, sizes.hidden}, scale),
                                 b.random("b", {sizes.directions, 2 * rows}, 0.5F)};
  inputs.insert(inputs.end(), more.begin(), more.end());
  attributes["hidden_size"] = sizes.hidden;
  return b.node(op, std::move(inputs), std::move(attributes));
}

// The first node gives so many results in all; the graph's are the others, in their order.
Graph with_last_states(Graph graph, size_t results) {
  for (size_t i = 1; i < results; ++i) {
    Value value;
    value.name = "last" + std::to_string(i);
    graph.nodes[0].outputs.push_back(graph.add_value(std::move(value)));
  }
  graph.outputs = {graph.nodes[0].outputs.begin() + 1, graph.nodes[0].outputs.end()};
  infer_types(graph);
  return graph;
}

bool calls(const DeviceProgram& program, std::string_view kernel) {
  return std::any_of(program.calls.begin(), program.calls.end(),
                     [&](const KernelCall& call) { return call.kernel->name == kernel; });
}

float largest_difference(const Tensor& a, const Tensor& b) {
  const auto first = a.data<float>();
  const auto second = b.data<float>();
  float most = 0.0F;
  for (size_t i = 0; i < first.size(); ++i) most = std::max(most, std::abs(first[i] - second[i]));
  return most;
}

// Integers differ from what is simulated by a rounding of y and 0.002 of what the states lose on the way.
void expect_near_simulated(const Graph& graph) {
  const std::vector<Tensor> inputs = inputs_of(graph);
  const auto expected = run(graph, Engine::kSimulated, inputs);
  const auto actual = run(graph, Engine::kInteger, inputs);
  for (size_t i = 0; i < expected.size(); ++i) {
    const Value& value = graph[graph.outputs[i]];
    const float step = value.quant ? std::get<QParams>(*value.quant).scales[0] : 0.0F;
    EXPECT_LE(largest_difference(expected[i], actual[i]), step + 0.002F) << "result " << i;
  }
}

TEST(RecurrentCode, LayersComputeInIntegers) {
  const Sizes cases[] = {{1, 1, 1, 1}, {7, 4, 5, 1}, {7, 5, 6, 2}, {20, 3, 33, 1}};
  for (const char* op : {"LSTM", "GRU"}) {
    for (const Sizes& sizes : cases) {
      for (const char* direction : {"forward", "reverse"}) {
        SCOPED_TRACE(std::string(op) + " " + direction + " " + std::to_string(sizes.hidden));
        GraphBuilder b;
        const ValueId x = b.input("x", {sizes.steps, 1, sizes.inputs});
        const std::string way = sizes.directions == 2 ? "bidirectional" : direction;
        const Graph graph = quantized(b.finish({recurrent(b, op, x, sizes, {{"direction", way}})}));
        expect_near_simulated(graph);
        for (const KernelCall& call : make_device_program(graph).calls) {
          EXPECT_FALSE(call.kernel->name.ends_with("_f32")) << call.kernel->name;
        }
      }
    }
  }
}

TEST(RecurrentCode, ResetGateBeforeOrAfterTheSum) {
  for (const int64_t linear : {0, 1}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {9, 1, 4});
    const ValueId y = recurrent(b, "GRU", x, {9, 4, 7, 1}, {{"linear_before_reset", linear}});
    expect_near_simulated(quantized(b.finish({y})));
  }
}

TEST(RecurrentCode, FloatReferenceIsNear) {
  for (const char* op : {"LSTM", "GRU"}) {
    GraphBuilder b;
    const Graph graph = b.finish({recurrent(b, op, b.input("x", {12, 1, 4}), {12, 4, 16, 1}, {})});
    const std::vector<Tensor> inputs = random_sample(graph, 200);  // one that grids were chosen from
    const auto expected = run(graph, Engine::kFloat, inputs);
    EXPECT_LE(largest_difference(expected[0], run(quantized(graph), Engine::kInteger, inputs)[0]), 0.03F) << op;
  }
}

TEST(RecurrentCode, OnlyStatesAreWanted) {
  for (const char* op : {"LSTM", "GRU"}) {
    GraphBuilder b;
    recurrent(b, op, b.input("x", {5, 1, 4}), {5, 4, 6, 2}, {{"direction", std::string("bidirectional")}});
    Graph graph = with_last_states(b.finish({}), std::string(op) == "LSTM" ? 3 : 2);
    graph.nodes[0].outputs[0] = kNoValue;
    const Graph small = quantized(graph);
    expect_near_simulated(small);
    const DeviceProgram program = make_device_program(small);
    EXPECT_TRUE(calls(program, "tc_narrow_s16"));
    EXPECT_EQ(calls(program, "tc_state_to_f32"), std::string(op) == "LSTM");  // the cell state is on no grid
  }
}

TEST(RecurrentCode, StatesGoInAsFloatsOrOnGridsOrAsConstants) {
  GraphBuilder b;
  const ValueId x = b.input("x", {5, 1, 4});
  const ValueId h = b.node("Tanh", {b.input("h", {1, 1, 6})});
  const ValueId first = recurrent(b, "LSTM", x, {5, 4, 6, 1}, {}, {kNoValue, h, b.input("c", {1, 1, 6})});
  const ValueId second =
      recurrent(b, "LSTM", x, {5, 4, 6, 1}, {}, {kNoValue, b.random("h1", {1, 1, 6}), b.random("c1", {1, 1, 6}, 3.0F)});
  const Graph graph = quantized(b.finish({first, second}));
  expect_near_simulated(graph);
  const DeviceProgram program = make_device_program(graph);
  EXPECT_TRUE(calls(program, "tc_widen_s16"));
  EXPECT_TRUE(calls(program, "tc_state_from_f32"));
  EXPECT_TRUE(std::any_of(program.constants.begin(), program.constants.end(),
                          [](const DeviceConstant& c) { return c.name.ends_with("state"); }));
}

TEST(RecurrentCode, LongRowsOfLargeWeightsAreSummedInFloat) {
  GraphBuilder b;
  const int64_t hidden = 520;
  const ValueId x = b.input("x", {2, 1, 1});
  const std::vector<float> ones(static_cast<size_t>(3 * hidden * hidden), 0.001F);
  const ValueId y =
      b.node("GRU", {x, b.random("w", {1, 3 * hidden, 1}), b.constant("r", {1, 3 * hidden, hidden}, ones)},
             {{"hidden_size", hidden}});
  const DeviceProgram program = make_device_program(quantized(b.finish({y})));
  EXPECT_TRUE(calls(program, "tc_gru_f32"));
  EXPECT_FALSE(calls(program, "tc_gru_s8"));
}

}  // namespace
}  // namespace tinyc::testing
