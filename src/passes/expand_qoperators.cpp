// expand-qoperators: operators on integers become float operators between DequantizeLinear and QuantizeLinear.
//
//   y_q = QLinearConv(x_q, w_q, b_q)    becomes    y_q = Quantize(Conv(Dequantize(x_q), Dequantize(w_q),
//   Dequantize(b_q)))
//
// That is the form from which lift-quantization makes annotations, so models in QOperator form need nothing of their
// own behind this pass. Three kinds of node are turned:
//   - QLinear operators, by the table in ops/qlinear.h. Their int32 bias has the scale s_a * s_b (times Gemm's alpha),
//     one per output channel where the weight has one;
//   - operators that move integers (MaxPool, Reshape, Pad, Concat, ...). What their integers mean is looked up: first
//     where they come from, else where they go. Any parameters would do, as moving commutes with every monotone map;
//   - ArgMax and ArgMin, which then read floats in the same order.
// A node whose parameters are no constants, or with attributes that its float operator does not have, stays.
//
// Exactness: (q - zero_point) * scale, and rounding it back, is exact for 8 and 16 bits. A float sum instead of an
// integer sum may move an element that lies next to a tie by one step.
//
// Source: ONNX QLinearConv, QLinearMatMul; ContribOperators.md of onnxruntime.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"
#include "tinyc/ops/qlinear.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

constexpr std::string_view kIntegerSuffixes[] = {"_quantized", "_q"};

bool reads_order_only(const Node& node) {
  return is_op(node, "ArgMax") || is_op(node, "ArgMin");
}

ParamOperands params_at(const Node& node, int idx) {
  return {operand(node, idx), operand(node, idx + 1)};
}

// The integer operand numbers of a QLinear node.
std::vector<int> data_operands(const QLinearLayout& layout, const Node& node) {
  std::vector<int> operands;
  for (int i = layout.data; i + 1 < static_cast<int>(node.inputs.size()); i += 3) {
    if (layout.data_count != kAllData && static_cast<int>(operands.size()) == layout.data_count) break;
    operands.push_back(i);
  }
  return operands;
}

// Softmax before opset 13 flattened its operand to two dims: the same only along the last axis.
bool attributes_fit(const Graph& graph, const Node& node) {
  if (has_attr(node, "channels_last") && int_attr(node, "channels_last") != 0) return false;
  if (node.op->name != "QLinearSoftmax" || int_attr(node, "opset") >= 13) return true;
  const Shape& shape = graph[node.inputs[0]].type.shape;
  const int64_t axis = has_attr(node, "axis") ? int_attr(node, "axis") : 1;
  return shape.ranked() && normalize_axis(axis, shape.rank()) == shape.rank() - 1;
}

// The node as its float operator, without operands; attributes that this does not have are left out.
Node float_node(const Node& node, const QLinearLayout& layout) {
  Node result;
  result.op = find_op("", layout.float_op);
  TINYC_CHECK(result.op != nullptr);
  result.name = node.name;
  result.origin = node.origin;
  for (const AttributeDef& def : result.op->attributes) {
    const auto given = node.attributes.find(def.name);
    if (given != node.attributes.end()) result.attributes.insert(*given);
  }
  if (layout.name == "QLinearSoftmax" && int_attr(node, "opset") < 13) result.attributes["axis"] = int64_t{-1};
  return result;
}

// The name of the floats that integers stand for.
std::string base_name(const std::string& integers) {
  for (std::string_view suffix : kIntegerSuffixes) {
    if (integers.size() > suffix.size() && integers.ends_with(suffix)) {
      return integers.substr(0, integers.size() - suffix.size());
    }
  }
  return integers + "_real";
}

class Expander {
 public:
  Expander(Graph& graph, PassContext& context) : graph_(graph), context_(context) {
    for (const Node& node : graph.nodes) node_names_.insert(node.name);
  }

  bool run() {
    find_wanted();
    std::vector<Node> nodes = std::move(graph_.nodes);
    bool changed = false;
    for (Node& node : nodes) {
      if (expand(node)) {
        changed = true;
        continue;
      }
      if (is_op(node, "QuantizeLinear")) note(meaning_, node.outputs[0], params_at(node, 1));
      done_.push_back(std::move(node));
    }
    graph_.nodes = std::move(done_);
    if (changed) remove_dead(graph_);
    return changed;
  }

 private:
  // What readers take integers to mean, from the last node to the first.
  void find_wanted() {
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      const Node& node = graph_.nodes[i];
      if (is_op(node, "DequantizeLinear")) note(wanted_, node.inputs[0], params_at(node, 1));
      if (const QLinearLayout* layout = find_qlinear(node)) {
        for (int idx : data_operands(*layout, node)) note(wanted_, operand(node, idx), params_at(node, idx + 1));
      }
      for (int idx : moved_operands(node)) {
        const auto wanted = wanted_.find(node.outputs[0]);
        if (wanted != wanted_.end()) wanted_.emplace(operand(node, idx), wanted->second);
      }
    }
  }

  // Per-tensor parameters only: movement mixes channels.
  void note(std::map<ValueId, QParams>& meaning, ValueId integers, ParamOperands operands) const {
    if (!is_narrow_integer(integers)) return;
    auto params = read_params(graph_, operands, graph_[integers].type.dtype);
    if (params && params->scales.size() == 1) meaning.emplace(integers, std::move(*params));
  }

  bool is_narrow_integer(ValueId id) const {
    return id != kNoValue && is_integer(graph_[id].type.dtype) && bits_of(graph_[id].type.dtype) <= 16;
  }

  const QParams* meaning_of(ValueId id) const {
    if (const auto known = meaning_.find(id); known != meaning_.end()) return &known->second;
    const auto wanted = wanted_.find(id);
    return wanted == wanted_.end() ? nullptr : &wanted->second;
  }

  bool expand(const Node& node) {
    if (node.op == nullptr) return false;
    if (const QLinearLayout* layout = find_qlinear(node)) return expand_qlinear(node, *layout);
    if (reads_order_only(node)) return expand_reader(node);
    const std::vector<int> moved = moved_operands(node);
    return !moved.empty() && expand_movement(node, moved);
  }

  // QLinear operators.

  bool expand_qlinear(const Node& node, const QLinearLayout& layout) {
    if (!attributes_fit(graph_, node)) return false;
    const bool to_float = operand(node, layout.result) == kNoValue;  // QGemm may leave its result unquantized
    std::optional<QParams> target;
    if (!to_float) target = read_params(graph_, params_at(node, layout.result), graph_[node.outputs[0]].type.dtype);
    if (!to_float && (!target || target->scales.size() != 1)) return false;

    Node result = float_node(node, layout);
    if (layout.plain >= 0) result.inputs.push_back(operand(node, layout.plain));
    std::vector<std::pair<ValueId, QParams>> operands;
    const size_t first = result.inputs.size();
    for (int idx : data_operands(layout, node)) {
      auto params = data_params(node, idx, result, static_cast<int>(first + operands.size()));
      if (!params) return false;
      operands.emplace_back(operand(node, idx), std::move(*params));
    }
    if (const ValueId bias = operand(node, layout.bias); bias != kNoValue) {
      auto params = bias_params(bias, result, operands.at(0).second, operands.at(1).second);
      if (!params) return false;
      operands.emplace_back(bias, std::move(*params));
    }
    for (const auto& [integers, params] : operands) result.inputs.push_back(dequantized(integers, params));
    append(std::move(result), node.outputs, target);
    context_.count("operators");
    return true;
  }

  // The parameters of data operand `idx`, which the float node reads as its operand `float_idx`.
  std::optional<QParams> data_params(const Node& node, int idx, const Node& result, int float_idx) const {
    const ValueId id = operand(node, idx);
    if (id == kNoValue || !graph_[id].type.shape.ranked()) return {};
    auto params = read_params(graph_, params_at(node, idx + 1), graph_[id].type.dtype);
    if (!params || params->scales.size() == 1) return params;
    const QuantTraits& quant = result.op->quant;
    const bool weight = std::find(quant.weights.begin(), quant.weights.end(), float_idx) != quant.weights.end();
    if (!weight || quant.channel_axis == nullptr) return {};
    params->axis = quant.channel_axis(result, float_idx, graph_[id].type.shape.rank());
    return params_fit(*params, graph_[id].type.shape) ? params : std::nullopt;
  }

  std::optional<QParams> bias_params(ValueId id, const Node& result, const QParams& a, const QParams& b) const {
    const Shape& shape = graph_[id].type.shape;
    if (!shape.ranked() || graph_[id].type.dtype != DataType::kInt32) return {};
    const float factor = result.op->name == "Gemm" ? float_attr(result, "alpha") : 1.0F;
    QParams params = b;
    params.storage = DataType::kInt32;
    params.q_min = static_cast<int32_t>(min_of(DataType::kInt32));
    params.q_max = static_cast<int32_t>(max_of(DataType::kInt32));
    params.axis = b.axis < 0 ? -1 : shape.rank() - 1;
    for (float& scale : params.scales) scale = factor * (a.scales[0] * scale);
    params.zero_points.assign(params.scales.size(), 0);
    return params_fit(params, shape) ? std::optional(params) : std::nullopt;
  }

  // Operators that move integers.

  bool expand_movement(const Node& node, const std::vector<int>& moved) {
    std::optional<QParams> params;
    for (int idx : moved) {
      const QParams* meaning = meaning_of(operand(node, idx));
      if (!is_narrow_integer(operand(node, idx)) || (params && meaning != nullptr && *meaning != *params)) return false;
      if (meaning != nullptr) params = *meaning;
    }
    if (!params) return false;
    Node result = node;
    for (int idx : moved) result.inputs[static_cast<size_t>(idx)] = dequantized(operand(node, idx), *params);
    if (is_op(node, "Pad") && string_attr(node, "mode") == "constant") fill_with_float(result, *params);
    append(std::move(result), node.outputs, params);
    context_.count("movements");
    return true;
  }

  // Integers are padded with integer 0 when nothing else is said, which is seldom what 0.0 is stored as.
  void fill_with_float(Node& pad, const QParams& params) {
    constexpr int kFill = 2;
    const ValueId given = operand(pad, kFill);
    const Tensor* fill = plain_constant(graph_, given);
    if (given != kNoValue && fill == nullptr) {
      pad.inputs[kFill] = dequantized(given, params);
      return;
    }
    const int64_t q = fill == nullptr ? 0 : fill->to_int64().at(0);
    const float real = static_cast<float>(q - params.zero_points[0]) * params.scales[0];
    pad.inputs.resize(std::max<size_t>(pad.inputs.size(), kFill + 1), kNoValue);
    pad.inputs[kFill] = real == 0.0F ? kNoValue : graph_.add_constant(pad.name + "_fill", Tensor::scalar(real));
  }

  bool expand_reader(const Node& node) {
    const QParams* meaning = is_narrow_integer(node.inputs[0]) ? meaning_of(node.inputs[0]) : nullptr;
    if (meaning == nullptr) return false;
    Node result = node;
    result.inputs[0] = dequantized(node.inputs[0], *meaning);
    done_.push_back(std::move(result));
    context_.count("readers");
    return true;
  }

  // Nodes of the result.

  // The floats that integers stand for; made once for each set of parameters.
  ValueId dequantized(ValueId integers, const QParams& params) {
    auto& copies = dequantized_[integers];
    for (const auto& [known, real] : copies) {
      if (known == params) return real;
    }
    const Value stored = graph_[integers];
    const std::string base = base_name(stored.name);
    const ValueId real = add_float(stored.constant ? base : base + "_dq", stored.type.shape);
    const ParamOperands operands = add_params(graph_, base, params);
    done_.push_back(dequantize_node(unique_node_name(base + "_dequantize"), integers, operands, real, params));
    copies.emplace_back(params, real);
    return real;
  }

  // Appends the float node and, behind each of its results that was integers, the QuantizeLinear that makes these.
  void append(Node node, const std::vector<ValueId>& outputs, const std::optional<QParams>& params) {
    node.outputs = outputs;
    std::vector<Node> quantizes;
    for (ValueId& output : node.outputs) {
      if (!params || !is_narrow_integer(output)) continue;
      const ValueId integers = output;
      const std::string base = base_name(graph_[integers].name);
      output = add_float(base, graph_[integers].type.shape);
      const ParamOperands operands = add_params(graph_, base, *params);
      quantizes.push_back(quantize_node(unique_node_name(base + "_quantize"), output, operands, integers, *params));
      meaning_.insert_or_assign(integers, *params);
    }
    done_.push_back(std::move(node));
    std::move(quantizes.begin(), quantizes.end(), std::back_inserter(done_));
  }

  ValueId add_float(const std::string& name, const Shape& shape) {
    Value value;
    value.name = graph_.unique_name(name);
    value.type = {DataType::kFloat, shape};
    return graph_.add_value(std::move(value));
  }

  std::string unique_node_name(const std::string& base) {
    std::string name = base;
    for (int suffix = 1; !node_names_.insert(name).second; ++suffix) name = base + "_" + std::to_string(suffix);
    return name;
  }

  Graph& graph_;
  PassContext& context_;
  std::set<std::string> node_names_;
  std::vector<Node> done_;
  std::map<ValueId, QParams> meaning_;  // of integers whose maker is known
  std::map<ValueId, QParams> wanted_;   // of integers that a reader takes to mean this
  std::map<ValueId, std::vector<std::pair<QParams, ValueId>>> dequantized_;
};

bool run(Graph& graph, PassContext& context) {
  return Expander(graph, context).run();
}

}  // namespace

extern constexpr PassDef k_expand_qoperators =
    make_pass<run>("expand-qoperators", "turn operators on integers into float operators between (de)quantizations",
                   Contract::kRounding, Stage::kNormalize);

}  // namespace tinyc
