#include "driver/layer_report.h"

#include <algorithm>
#include <bit>
#include <map>

#include "tinyc/driver/inspect.h"

namespace tinyc {
namespace {

// Bits that the grid of a packed weight needs.
int grid_bits(const QParams& params) {
  const int64_t last = (int64_t{params.q_max} - params.q_min) / params.q_step;
  return std::bit_width(static_cast<uint64_t>(last));
}

int widest_weight_bits(const Graph& packed, const Node& node) {
  int bits = 0;
  for (ValueId id : node.inputs) {
    const QParams* params = linear_params(packed, id);
    const bool is_bias = params != nullptr && params->storage == DataType::kInt32;
    if (params != nullptr && packed[id].constant && !is_bias) bits = std::max(bits, grid_bits(*params));
  }
  return bits;
}

void count_weights(const Graph& packed, const Node& node, LayerReport& layer) {
  if (node.op == nullptr) return;
  for (const int weight : node.op->quant.weights) {
    const auto at = static_cast<size_t>(weight);
    if (weight < 0 || at >= node.inputs.size() || node.inputs[at] == kNoValue) continue;
    const auto& constant = packed[node.inputs[at]].constant;
    if (!constant) continue;
    const std::vector<float> values = constant->to_float();
    layer.weights += constant->size();
    layer.zeros += std::count(values.begin(), values.end(), 0.0F);
  }
}

std::map<std::string_view, const ErrorSums*> errors_by_value(const Comparison& measured) {
  std::map<std::string_view, const ErrorSums*> errors;
  for (const ValueError& value : measured.layers) errors[value.name] = &value.error;
  return errors;
}

}  // namespace

void report_layers(const Graph& reference, const Graph& packed, const Comparison& measured, Report& report) {
  const ModelSummary before = summarize(reference);
  const ModelSummary after = summarize(packed);
  report.params = before.params;
  report.macs_before = before.macs;
  report.macs_after = after.macs;
  report.weight_bytes_before = before.weight_bytes;
  report.weight_bytes_after = after.weight_bytes;

  std::map<std::string_view, int64_t> float_bytes;
  for (const LayerSummary& layer : before.layers) float_bytes[layer.name] = layer.weight_bytes;
  std::map<std::string_view, std::string_view> reasons;
  for (const FloatNode& node : report.float_nodes) reasons[node.node] = node.reason;
  const auto errors = errors_by_value(measured);
  for (size_t i = 0; i < packed.nodes.size(); ++i) {
    const Node& node = packed.nodes[i];
    const LayerSummary& summary = after.layers[i];
    LayerReport layer{.name = node.name, .op = summary.op, .output = summary.output, .macs = summary.macs};
    layer.float_bytes = float_bytes[node.name];
    layer.weight_bytes = summary.weight_bytes;
    layer.weight_bits = widest_weight_bits(packed, node);
    count_weights(packed, node, layer);
    layer.float_reason = reasons[node.name];
    if (!node.outputs.empty() && node.outputs[0] != kNoValue) {
      const auto error = errors.find(packed[node.outputs[0]].name);
      if (error != errors.end()) layer.error = *error->second;
    }
    report.layers.push_back(std::move(layer));
  }
}

bool is_sparse(const Report& report) {
  constexpr double kShare = 0.25;
  int64_t weights = 0, zeros = 0;
  for (const LayerReport& layer : report.layers) {
    weights += layer.weights;
    zeros += layer.zeros;
  }
  return static_cast<double>(zeros) > kShare * static_cast<double>(weights);
}

}  // namespace tinyc
