// annotate: gives every value that is stored as integers its parameters.
//
// Activations: the storage plan (quant/storage_plan.h) says which values share one set; its range comes from the
// calibration statistics of the group's sources, merged, through the chosen observer, or is known beforehand (Softmax).
// Weights: zero point 0, one scale per output channel or per tensor; single nodes may have bits of their own. Biases:
// int32 with scale s_input * s_weight; a channel whose bias would overflow has its weight scale raised. A constant that
// several nodes read with different parameters is duplicated first, so that every value has one meaning.
#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ir/scale_split.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/bias.h"
#include "tinyc/quant/fit_scales.h"
#include "tinyc/quant/params.h"
#include "tinyc/quant/ranges.h"
#include "tinyc/quant/statistics.h"
#include "tinyc/quant/storage_plan.h"
#include "tinyc/quant/weight_blocks.h"

namespace tinyc {
namespace {

// Gives weights and biases that have several readers one copy for each.
void unshare_parameters(Graph& graph) {
  std::vector<int> readers(graph.values.size(), 0);
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.inputs) {
      if (id != kNoValue) ++readers[index_of(id)];
    }
  }
  for (Node& node : graph.nodes) {
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
      const ValueId id = node.inputs[static_cast<size_t>(i)];
      if (id == kNoValue || !graph[id].constant || graph[id].type.dtype != DataType::kFloat) continue;
      const bool parameter = is_weight_operand(graph, node, i) || (node.op != nullptr && node.op->quant.bias == i);
      if (!parameter || readers[index_of(id)] == 1) continue;
      --readers[index_of(id)];
      const Tensor shared = *graph[id].constant;
      const std::string name = graph[id].name;
      node.inputs[static_cast<size_t>(i)] = graph.add_constant(name, shared);
      readers.push_back(1);
    }
  }
}

void annotate_activations(Graph& graph, const StoragePlan& plan, PassContext& context) {
  for (const StoragePlan::Group& group : plan.groups) {
    QParams params =
        group.fixed
            ? fixed_params({group.low, group.high}, context.settings)
            : activation_params(range_of_group(graph, group, *context.statistics, context.settings), context.settings);
    for (ValueId id : group.members) graph[id].quant = params;
  }
}

class ParameterAnnotator {
 public:
  ParameterAnnotator(Graph& graph, PassContext& context) : graph_(graph), context_(context) {}

  void annotate(const Node& node, bool integer_node) {
    if (node.op == nullptr) return;
    for (int operand_idx : node.op->quant.weights) {
      if (operand_idx < 0 || operand_idx >= static_cast<int>(node.inputs.size())) continue;
      if (!is_weight_operand(graph_, node, operand_idx)) continue;
      annotate_weight(node, operand_idx);
    }
    if (integer_node) annotate_bias(node);
  }

 private:
  void annotate_weight(const Node& node, int operand_idx) {
    Value& weight = graph_[operand(node, operand_idx)];
    if (weight.type.dtype != DataType::kFloat || weight.constant->dtype() != DataType::kFloat) return;
    const auto channel_axis = node.op->quant.channel_axis;
    const QuantizationSettings settings = settings_of_layer(context_.settings, node.name);
    const bool by_channel = settings.per_channel || settings.weight_block > 0;
    const bool per_channel = by_channel && channel_axis != nullptr && weight.constant->rank() > 1;
    const int axis = per_channel ? channel_axis(node, operand_idx, weight.constant->rank()) : -1;
    int raised = 0;
    QParams params = weight_params(weight_magnitudes(*weight.constant, axis, settings), axis, settings, &raised);
    if (has_few_levels(params)) fit_scales(*weight.constant, settings, params);
    const bool computes = node.op->quant.kind == QuantKind::kCompute;
    weight.quant =
        block_params(*weight.constant, params, computes ? block_axis(axis, weight.constant->rank()) : -1, settings);
    if (raised > 0) {
      context_.note(node.name, std::to_string(raised) + " weight channels are nearly zero; their scale was floored");
      context_.count("floored_channels", raised);
    }
    context_.count("weights");
  }

  void annotate_bias(const Node& node) {
    const int raised = derive_bias_params(graph_, node);
    if (raised > 0) {
      context_.note(node.name, std::to_string(raised) + " weight scales were raised so that the bias fits 32 bits");
      context_.count("raised_for_bias", raised);
    }
    const ValueId bias = operand(node, node.op->quant.bias);
    if (bias != kNoValue && graph_[bias].quant) context_.count("biases");
  }

  Graph& graph_;
  PassContext& context_;
};

// Names of single nodes are checked: a misspelt one would change nothing, silently.
void check_layer_names(const Graph& graph, const QuantizationSettings& settings) {
  std::vector<std::string_view> known;
  for (const Node& node : graph.nodes) {
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
      if (known.empty() || known.back() != node.name) {
        if (is_weight_operand(graph, node, i)) known.emplace_back(node.name);
      }
    }
  }
  for (const auto& [name, bits] : settings.layer_bits) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw Error(ErrorKind::kUsage, "layer_bits: there is no node '" + name + "' with weights",
                spelling_hint(name, known));
  }
}

bool run(Graph& graph, PassContext& context) {
  TINYC_CHECK(context.statistics != nullptr);
  check_layer_names(graph, context.settings);
  unshare_parameters(graph);
  const StoragePlan plan = plan_storage(graph, context.settings);
  annotate_activations(graph, plan, context);
  ParameterAnnotator parameters(graph, context);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const bool weights_only = node.op != nullptr && node.op->quant.kind == QuantKind::kWeightsOnly;
    const bool skipped =
        std::find(context.settings.skip.begin(), context.settings.skip.end(), node.name) != context.settings.skip.end();
    if (plan.integer_nodes[i] || (weights_only && !skipped)) parameters.annotate(node, plan.integer_nodes[i]);
  }
  for (const FloatNode& node : plan.float_nodes) context.note(node.node, "stays in float: " + node.reason);
  context.float_nodes = plan.float_nodes;
  return true;
}

}  // namespace

extern constexpr PassDef k_annotate = make_pass<run>(
    "annotate", "choose scale and zero point of every value stored as integers", Contract::kLossy, Stage::kAnnotate);

}  // namespace tinyc
