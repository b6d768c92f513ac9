// Problem: statistics of activations are needed and there are no data. Inputs made at random give a trained network
// values of the wrong size: errors of their distribution grow from layer to layer. What is right about each layer, mean
// and deviation of its channels in training, stands in the model as the parameters of its BatchNormalization.
// Method: what BatchNormalization does in training, once: layer by layer in execution order, the layer's output over
// all samples is measured and its channels are scaled and shifted to the recorded moments; later layers see the result.
//   y' = (y - mean(y)) s + beta,  s = |gamma| / deviation(y)   that is   W' = W s,  b' = (b - mean(y)) s + beta
// All values between are what the model's own ops make of these, so sums, pools and clamps need no formulas.
// Why this and not inputs distilled by gradients (ZeroQ): it meets the recorded moments exactly at every layer, in one
// run of the model, where distillation comes near them in hundreds. Cost: one run over the samples.
// Source: Ioffe and Szegedy, Batch Normalization, 2015; Cai et al., ZeroQ, 2020 (arXiv:2001.00281) for the aim.
#include "tinyc/quant/match_moments.h"

#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

using Results = std::vector<std::vector<Tensor>>;

constexpr double kLeastDeviation = 1e-6;  // of a channel's mean magnitude; below, the channel is a constant

struct Affine {
  std::vector<double> scale, shift;  // y' = y scale + shift, by channel
};

// The part of element i's channel index: elements of one channel of one sample lie `inner` apart.
size_t channel_stride(const Tensor& tensor) {
  size_t inner = 1;
  for (int axis = 2; axis < tensor.rank(); ++axis)
    inner *= static_cast<size_t>(tensor.dims()[static_cast<size_t>(axis)]);
  return inner;
}

Affine affine_to(const ChannelMoments& wanted, const Results& results) {
  const size_t channels = wanted.mean.size();
  std::vector<double> sums(channels, 0.0), squares(channels, 0.0);
  double count = 0;
  const auto each = [&](const auto& body) {
    for (const std::vector<Tensor>& sample : results) {
      const auto data = sample.front().data<float>();
      const size_t inner = channel_stride(sample.front());
      for (size_t i = 0; i < data.size(); ++i) body(i / inner % channels, static_cast<double>(data[i]));
    }
  };
  for (const std::vector<Tensor>& sample : results) count += static_cast<double>(sample.front().size());
  count /= static_cast<double>(channels);
  each([&](size_t channel, double x) { sums[channel] += x; });
  for (double& sum : sums) sum /= count;
  each([&](size_t channel, double x) { squares[channel] += (x - sums[channel]) * (x - sums[channel]); });
  Affine affine;
  for (size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(squares[c] / count);
    const double scale = deviation > kLeastDeviation * std::abs(sums[c]) ? wanted.deviation[c] / deviation : 1.0;
    affine.scale.push_back(scale);
    affine.shift.push_back(wanted.mean[c] - sums[c] * scale);
  }
  return affine;
}

Tensor* float_constant(Graph& graph, const Node& node, int idx) {
  if (idx < 0 || idx >= static_cast<int>(node.inputs.size())) return nullptr;
  const ValueId id = node.inputs[static_cast<size_t>(idx)];
  if (id == kNoValue || !graph[id].constant || graph[id].constant->dtype() != DataType::kFloat) return nullptr;
  return &*graph[id].constant;
}

bool is_layer_of(Graph& graph, const Node& node, const ChannelMoments& moments, const Tensor& output) {
  if (node.op == nullptr || node.op->quant.channel_axis == nullptr || output.rank() < 2) return false;
  const Tensor* bias = float_constant(graph, node, node.op->quant.bias);
  return float_constant(graph, node, node.op->quant.weights[0]) != nullptr && bias != nullptr &&
         bias->size() == static_cast<int64_t>(moments.mean.size()) && output.dims()[1] == bias->size();
}

void apply(Graph& graph, const Node& node, const Affine& affine) {
  const int weight_idx = node.op->quant.weights[0];
  Tensor& weight = *float_constant(graph, node, weight_idx);
  QParams along;  // only its axis is used: which channel an element belongs to
  along.axis = node.op->quant.channel_axis(node, weight_idx, weight.rank());
  const ScaleIndex channel_of(along, weight.dims());
  std::vector<float> weights = weight.to_float();
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] =
        static_cast<float>(static_cast<double>(weights[i]) * affine.scale[channel_of(static_cast<int64_t>(i))]);
  }
  weight = Tensor::of<float>(weight.dims(), weights);
  Tensor& bias = *float_constant(graph, node, node.op->quant.bias);
  std::vector<float> biases = bias.to_float();
  for (size_t c = 0; c < biases.size(); ++c) {
    biases[c] = static_cast<float>(static_cast<double>(biases[c]) * affine.scale[c] + affine.shift[c]);
  }
  bias = Tensor::of<float>(bias.dims(), biases);
}

}  // namespace

Graph match_moments(const Graph& graph, const MomentTable& table, std::span<const Sample> samples, int threads) {
  Graph matched = graph;
  LayerwiseRun run(matched, Engine::kFloat, samples, threads);
  for (size_t i = 0; i < matched.nodes.size(); ++i) {
    const NodeId id{static_cast<uint32_t>(i)};
    Results results = run.compute(matched, id);
    const Node& node = matched[id];
    const auto found = table.find(matched[node.outputs[0]].name);
    if (found != table.end() && is_layer_of(matched, node, found->second, results.front().front())) {
      apply(matched, node, affine_to(found->second, results));
      results = run.compute(matched, id);
    }
    run.store(matched, id, std::move(results));
  }
  return matched;
}

}  // namespace tinyc
