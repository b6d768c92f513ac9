// fold-batchnorm: a BatchNormalization behind a layer with constant weights goes into those weights.
//
//   y = gamma (x - mean) / sqrt(var + eps) + beta,   x = W a + b
//   W'[o] = W[o] s[o],   b'[o] = (b[o] - mean[o]) s[o] + beta[o],   s[o] = gamma[o] / sqrt(var[o] + eps)
//
// computed in double, rounded once. Needed: the layer's output has no other reader, and all parameters are constants.
// The layer is any op whose traits name a weight, a bias and the axis of its output channels (Conv, ConvTranspose,
// Gemm); with groups on ConvTranspose that axis counts channels of one group, so it is left alone there. Source: Jacob
// et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018.
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

struct Affine {
  std::vector<double> scale, shift;
  ChannelMoments moments;  // of the result, as training left them
};

std::optional<Affine> constant_affine(const Graph& graph, const Node& node) {
  if (!is_op(node, "BatchNormalization") || int_attr(node, "training_mode") != 0) return std::nullopt;
  std::vector<std::vector<float>> parts;  // gamma, beta, mean, var
  for (int i = 1; i <= 4; ++i) {
    const Tensor* tensor = plain_constant(graph, node, i);
    if (tensor == nullptr) return std::nullopt;
    parts.push_back(tensor->to_float());
  }
  const double epsilon = static_cast<double>(float_attr(node, "epsilon"));
  Affine affine;
  for (size_t i = 0; i < parts[0].size(); ++i) {
    const double scale = static_cast<double>(parts[0][i]) / std::sqrt(static_cast<double>(parts[3][i]) + epsilon);
    affine.scale.push_back(scale);
    affine.moments.mean.push_back(static_cast<double>(parts[1][i]));
    affine.moments.deviation.push_back(std::abs(static_cast<double>(parts[0][i])));
    affine.shift.push_back(static_cast<double>(parts[1][i]) - static_cast<double>(parts[2][i]) * scale);
  }
  return affine;
}

Tensor scaled_weight(const Tensor& weight, int axis, const std::vector<double>& scale) {
  Tensor result = Tensor::zeros(DataType::kFloat, weight.dims());
  QParams along;  // only its axis is used: which channel an element belongs to
  along.axis = axis;
  const ScaleIndex channel_of(along, weight.dims());
  const auto in = weight.data<float>();
  const auto out = result.mutable_data<float>();
  for (size_t i = 0; i < in.size(); ++i) {
    out[i] = static_cast<float>(static_cast<double>(in[i]) * scale[channel_of(static_cast<int64_t>(i))]);
  }
  return result;
}

bool fold(Graph& graph, NodeId layer_id, const Affine& affine) {
  const Node& layer = graph[layer_id];
  if (layer.op == nullptr || layer.op->quant.bias < 0 || layer.op->quant.channel_axis == nullptr) return false;
  const int weight_idx = layer.op->quant.weights[0];
  const int bias_idx = layer.op->quant.bias;
  const Tensor* weight = plain_constant(graph, layer, weight_idx);
  const Tensor* bias = plain_constant(graph, layer, bias_idx);
  if (weight == nullptr || weight->dtype() != DataType::kFloat) return false;
  if (operand(layer, bias_idx) != kNoValue && bias == nullptr) return false;
  const int axis = layer.op->quant.channel_axis(layer, weight_idx, weight->rank());
  const size_t channels = affine.scale.size();
  if (weight->dims()[static_cast<size_t>(axis)] != static_cast<int64_t>(channels)) return false;
  if (bias != nullptr && bias->size() != static_cast<int64_t>(channels)) return false;

  std::vector<float> folded(channels);
  const std::vector<float> old = bias != nullptr ? bias->to_float() : std::vector<float>(channels, 0.0F);
  for (size_t i = 0; i < channels; ++i) {
    folded[i] = static_cast<float>(static_cast<double>(old[i]) * affine.scale[i] + affine.shift[i]);
  }
  const std::string weight_name = graph[operand(layer, weight_idx)].name;
  const std::string bias_name = bias != nullptr ? graph[operand(layer, bias_idx)].name : layer.name + "_bias";
  Tensor scaled = scaled_weight(*weight, axis, affine.scale);
  set_operand(graph, layer_id, weight_idx, weight_name, std::move(scaled));
  set_operand(graph, layer_id, bias_idx, bias_name, Tensor::of<float>({static_cast<int64_t>(channels)}, folded));
  return true;
}

bool run(Graph& graph, PassContext& context) {
  bool changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto affine = constant_affine(graph, graph.nodes[i]);
    if (!affine) continue;
    const Uses uses(graph);
    const ValueId input = graph.nodes[i].inputs[0];
    const NodeId layer = uses.producer_of(input);
    if (layer == kNoNode || only_reader(uses, input) != NodeId(i) || !fold(graph, layer, *affine)) {
      context.note(graph.nodes[i].name, "kept: no layer with constant weights to fold into");
      continue;
    }
    bypass(graph, uses, NodeId(i), input);
    context.moments[graph[input].name] = affine->moments;
    context.count("folded");
    changed = true;
  }
  if (changed) remove_dead(graph);
  return changed;
}

}  // namespace

extern constexpr PassDef k_fold_batchnorm = make_pass<run>(
    "fold-batchnorm", "fold BatchNormalization into the layer before it", Contract::kRounding, Stage::kRewrite);

}  // namespace tinyc
