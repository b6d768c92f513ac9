// lift-quantization: QuantizeLinear/DequantizeLinear pairs of an imported model become annotations again.
//
//   integers -> DequantizeLinear -> w               w is a packed constant
//   x -> QuantizeLinear -> q -> DequantizeLinear -> y       y is x, annotated
//
// The pair goes when its parameters are constants, equal on both sides, and q has no other kind of reader. Where x has
// readers beside the pair, they must go on reading the float: then the pair becomes an Identity with an annotated
// result, which is a requantization. Whatever does not fit stays as nodes and computes what it always did, so the model
// means the same in any case. This is the inverse of emit/qdq.cpp, names included.
#include <algorithm>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/ops/qlinear.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

constexpr std::string_view kReadableSuffix = "_dq";

// The parameters of a Quantize- or DequantizeLinear on a value of type `stored`, when they are constants that fit.
std::optional<QParams> constant_params(const Graph& graph, const Node& node, DataType stored, const Shape& shape) {
  auto params = read_params(graph, {operand(node, 1), operand(node, 2)}, stored);
  if (!params) return {};
  const Tensor& scale = *graph[operand(node, 1)].constant;
  if (scale.rank() == 0 || (scale.size() == 1 && int_attr(node, "block_size") == 0)) return params;
  if (!shape.ranked()) return {};
  params->axis = normalize_axis(int_attr(node, "axis"), shape.rank());
  params->block = static_cast<int>(int_attr(node, "block_size"));
  return params;
}

class Lifter {
 public:
  Lifter(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}

  bool run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_op(graph_.nodes[i], "DequantizeLinear")) lift_constant(NodeId(i));
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_op(graph_.nodes[i], "QuantizeLinear")) lift_pair(NodeId(i));
    }
    if (lifted_) {
      sort_nodes(graph_);
      remove_dead(graph_);
    }
    return lifted_;
  }

 private:
  void lift_constant(NodeId id) {
    const Node& node = graph_[id];
    const Tensor* stored = plain_constant(graph_, node, 0);
    const ValueId output = node.outputs[0];
    if (stored == nullptr || Uses(graph_).is_output[index_of(output)]) return;
    const auto params = constant_params(graph_, node, stored->dtype(), Shape(stored->dims()));
    if (!params || !params_fit(*params, Shape(stored->dims()))) return;
    annotate_constant(output, *stored, *params);
    graph_[id].outputs[0] = kNoValue;
  }

  void annotate_constant(ValueId id, const Tensor& stored, const QParams& params) {
    Value& value = graph_[id];
    value.type = {DataType::kFloat, Shape(stored.dims())};
    value.constant = stored;
    value.quant = params;
    context_.count("constants");
    lifted_ = true;
  }

  void lift_pair(NodeId quantize_id) {
    const Uses uses(graph_);
    const Node& quantize = graph_[quantize_id];
    const ValueId real = quantize.inputs[0];
    const ValueId stored = quantize.outputs[0];
    const DataType dtype = graph_[stored].type.dtype;
    const auto params = constant_params(graph_, quantize, dtype, graph_[real].type.shape);
    if (graph_[real].type.dtype != DataType::kFloat || !params || !params_fit(*params, graph_[real].type.shape)) return;
    if (uses.is_output[index_of(stored)] || !only_dequantized(uses, stored, *params)) return;

    std::vector<ValueId> readable;
    for (NodeId reader : uses.consumers_of(stored)) readable.push_back(graph_[reader].outputs[0]);
    const auto outputs =
        std::count_if(readable.begin(), readable.end(), [&](ValueId id) { return uses.is_output[index_of(id)]; });
    const bool sole = uses.has_single_reader(real) && !graph_[real].quant;
    if (outputs > 1 || readable.empty()) return;
    if (sole && graph_[real].constant) {
      annotate_constant(real, quantize_constant(real, *params), *params);
      merge(uses, readable, real);
    } else if (sole && (outputs == 0 || uses.producer_of(real) != kNoNode)) {
      graph_[real].quant = *params;
      merge(uses, readable, real);
    } else {
      requantize(uses, quantize_id, readable, *params);
      return;
    }
    graph_[quantize_id].outputs[0] = kNoValue;
    context_.count("activations");
    lifted_ = true;
  }

  Tensor quantize_constant(ValueId id, const QParams& params) const { return quantize(*graph_[id].constant, params); }

  bool only_dequantized(const Uses& uses, ValueId stored, const QParams& params) const {
    return std::all_of(uses.consumers_of(stored).begin(), uses.consumers_of(stored).end(), [&](NodeId reader) {
      const Node& node = graph_[reader];
      return is_op(node, "DequantizeLinear") && node.inputs[0] == stored &&
             constant_params(graph_, node, params.storage, graph_[stored].type.shape) == params;
    });
  }

  // Readers of the dequantized copies read `real`; a public name among the copies passes to it.
  void merge(const Uses& uses, const std::vector<ValueId>& readable, ValueId real) {
    for (ValueId copy : readable) {
      graph_[uses.producer_of(copy)].outputs[0] = kNoValue;
      if (uses.is_output[index_of(copy)]) std::swap(graph_[copy].name, graph_[real].name);
      replace_uses(graph_, copy, real);
    }
  }

  // The QuantizeLinear becomes an Identity whose result is annotated.
  void requantize(const Uses& uses, NodeId quantize_id, const std::vector<ValueId>& readable, const QParams& params) {
    Node& node = graph_[quantize_id];
    const ValueId result = node.outputs[0];
    node.op = find_op("", "Identity");
    node.attributes.clear();
    node.inputs.resize(1);
    Value& value = graph_[result];
    value.type = graph_[node.inputs[0]].type;
    value.quant = params;
    const std::string& copy_name = graph_[readable[0]].name;
    if (copy_name.ends_with(kReadableSuffix)) {
      value.name = graph_.unique_name(copy_name.substr(0, copy_name.size() - kReadableSuffix.size()));
    }
    merge(uses, readable, result);
    context_.count("requantizations");
    lifted_ = true;
  }

  Graph& graph_;
  PassContext& context_;
  bool lifted_ = false;
};

bool run(Graph& graph, PassContext& context) {
  return Lifter(graph, context).run();
}

}  // namespace

extern constexpr PassDef k_lift_quantization =
    make_pass<run>("lift-quantization", "turn QuantizeLinear/DequantizeLinear pairs into annotations", Contract::kExact,
                   Stage::kNormalize);

}  // namespace tinyc
