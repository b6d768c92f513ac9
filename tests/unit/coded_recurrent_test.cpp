// LSTM and GRU with coded weights: the same bytes come out, from less flash; and what stays int8 says so.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "driver/choose_program.h"
#include "tinyc/base/rng.h"
#include "unit/product_layers.h"

namespace tinyc::testing {
namespace {

struct Layer {
  std::string op;
  std::string direction = "forward";
  int64_t linear = 0;
  int64_t hidden = 30;
};

// One weight in `apart` is not 0.
Graph sparse_layer(const Layer& layer, uint64_t apart) {
  const int64_t inputs = 9;
  const int64_t directions = layer.direction == "bidirectional" ? 2 : 1;
  const int64_t rows = (layer.op == "LSTM" ? 4 : 3) * layer.hidden;
  AttributeList attributes = {{"hidden_size", layer.hidden}, {"direction", layer.direction}};
  if (layer.op == "GRU") attributes["linear_before_reset"] = layer.linear;
  GraphBuilder b;
  Graph graph = quantized(b.finish(
      {b.node(layer.op,
              {b.input("x", {12, 1, inputs}), b.random("w", {directions, rows, inputs}),
               b.random("r", {directions, rows, layer.hidden}, 0.3F), b.random("b", {directions, 2 * rows}, 0.5F)},
              attributes)}));
  Rng rng(5);
  for (Value& value : graph.values) {
    if (!value.constant || value.constant->dtype() != DataType::kInt8) continue;
    std::vector<int8_t> levels(static_cast<size_t>(value.constant->size()), 0);
    for (int8_t& level : levels) {
      if (rng.below(apart) == 0) level = static_cast<int8_t>(rng.below(201) - 100);
    }
    value.constant = Tensor::of<int8_t>(value.constant->dims(), levels);
  }
  return graph;
}

bool calls(const DeviceProgram& program, std::string_view kernel) {
  return std::any_of(program.calls.begin(), program.calls.end(),
                     [&](const KernelCall& call) { return call.kernel->name == kernel; });
}

// The codings of W and R, each once.
std::set<std::string_view> codings(const DeviceProgram& program) {
  std::set<std::string_view> found;
  for (const DeviceConstant& constant : program.constants) {
    if (constant.form.coding.empty()) continue;
    EXPECT_EQ(constant.form.parts.total(), static_cast<int64_t>(constant.data.byte_size())) << constant.name;
    EXPECT_GT(constant.form.entropy_bits, 0) << constant.name;
    found.insert(constant.form.coding);
  }
  return found;
}

TEST(CodedRecurrent, StreamsGiveTheSameBytes) {
  const Layer layers[] = {{"LSTM"},
                          {"LSTM", "bidirectional"},
                          {"LSTM", "reverse", 0, 33},
                          {"GRU"},
                          {"GRU", "bidirectional"},
                          {"GRU", "reverse", 0, 33},
                          {"GRU", "forward", 1},
                          {"GRU", "reverse", 1, 33}};
  for (const Layer& layer : layers) {
    SCOPED_TRACE(layer.op + " " + layer.direction + " " + std::to_string(layer.linear));
    const Graph graph = sparse_layer(layer, 5);
    const DeviceProgram plain = make_device_program(graph);
    const DeviceProgram coded = make_device_program(graph, {.coders = parse_coders("relative")});
    EXPECT_TRUE(calls(coded, layer.op == "LSTM" ? "tc_lstm_relative_s8" : "tc_gru_relative_s8"));
    EXPECT_FALSE(calls(coded, layer.op == "LSTM" ? "tc_lstm_s8" : "tc_gru_s8"));
    EXPECT_EQ(codings(coded), std::set<std::string_view>{"relative"});
    EXPECT_LT(constant_bytes(coded), constant_bytes(plain));
    EXPECT_EQ(coded.arena_bytes, plain.arena_bytes);
    const std::vector<int8_t> expected = run(plain, 1);
    EXPECT_EQ(run(coded, 1), expected);
    EXPECT_GT(std::set<int8_t>(expected.begin(), expected.end()).size(), 20U);
  }
}

TEST(CodedRecurrent, WeightsThatAreSmallerAsBytesStayAndSaySo) {
  const Graph graph = sparse_layer({"LSTM"}, 1);
  const DeviceProgram program = make_device_program(graph, {.coders = parse_coders("relative")});
  EXPECT_TRUE(calls(program, "tc_lstm_s8"));
  EXPECT_EQ(codings(program), std::set<std::string_view>{"int8"});
}

TEST(CodedRecurrent, ALayerOfTwoFormsIsReportedAsBoth) {
  Graph graph = sparse_layer({"GRU", "bidirectional"}, 5);
  for (Value& value : graph.values) {
    if (!value.constant || value.constant->dtype() != DataType::kInt8) continue;
    const auto levels = value.constant->data<int8_t>();
    std::vector<int8_t> filled(levels.begin(), levels.end());
    for (size_t i = filled.size() / 2; i < filled.size(); ++i) filled[i] = static_cast<int8_t>(7 * i);
    value.constant = Tensor::of<int8_t>(value.constant->dims(), filled);
  }
  const DeviceProgram program = make_device_program(graph, {.coders = parse_coders("relative")});
  EXPECT_EQ(predict_cost(program, graph, require_target(kDefaultTarget)).layers[0].coding, "relative, int8");
}

TEST(CodedRecurrent, CodersThatWouldDecodeInEveryStepAreNotTaken) {
  const Graph graph = sparse_layer({"GRU"}, 5);
  EXPECT_EQ(codings(make_device_program(graph, {.coders = parse_coders("huffman")})),
            std::set<std::string_view>{"int8"});
}

TEST(CodedRecurrent, FastTakesStreamsOnlyWhereFewWeightsAreLeft) {
  const auto coding = [](uint64_t apart, std::string_view choice, std::string_view target = kDefaultTarget) {
    return codings(*choose_program(sparse_layer({"GRU", "forward", 0, 100}, apart), parse_coders(choice),
                                   choice == "fast", require_target(target), {}));
  };
  EXPECT_EQ(coding(30, "fast"), std::set<std::string_view>{"relative"});
  EXPECT_EQ(coding(4, "fast"), std::set<std::string_view>{"int8"});
  EXPECT_EQ(coding(4, "fast", "cortex-m0plus"), std::set<std::string_view>{"relative"});
  EXPECT_EQ(coding(4, "smallest"), std::set<std::string_view>{"relative"});
}

}  // namespace
}  // namespace tinyc::testing
