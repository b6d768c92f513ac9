// What inputs must be like for the first layer to have the moments that were recorded behind it.
//
// Problem: without data nobody says whether a model reads pixels from 0 to 255 or numbers around 0, but the first layer
// y = W x + b knows: with x of mean m, of deviation a in each element and of deviation c in common for all elements,
//   mean of y[o] = b[o] + m S[o],   variance of y[o] = a^2 Q[o] + c^2 S[o]^2,   S = sum of W[o], Q = sum of W[o]^2.
// Method: m by least squares over the channels; a^2 and c^2 by least squares of the relative error of the variances,
// neither negative. Real inputs have more structure than two numbers, so this finds their size and no more.
#include "tinyc/quant/recorded_moments.h"

#include <algorithm>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// One row for each output channel.
struct FirstLayer {
  std::vector<double> sum, square;     // of its weights
  std::vector<double> mean, variance;  // of its output without the bias
};

const Tensor* float_constant(const Graph& graph, const Node& node, int idx) {
  if (idx < 0 || idx >= static_cast<int>(node.inputs.size())) return nullptr;
  const ValueId id = node.inputs[static_cast<size_t>(idx)];
  if (id == kNoValue || !graph[id].constant || graph[id].constant->dtype() != DataType::kFloat) return nullptr;
  return &*graph[id].constant;
}

// Of a layer that says nothing: what layers are initialized to have, and BatchNormalization, even where it was folded
// long ago, keeps near.
ChannelMoments assumed_moments(size_t channels) {
  return {std::vector<double>(channels, 0.0), std::vector<double>(channels, 1.0)};
}

std::optional<FirstLayer> read_layer(const Graph& graph, const Node& node, const MomentTable& table) {
  if (node.op == nullptr || node.op->quant.channel_axis == nullptr) return std::nullopt;
  const auto found = table.find(graph[node.outputs[0]].name);
  const int weight_idx = node.op->quant.weights[0];
  const Tensor* weight = float_constant(graph, node, weight_idx);
  const Tensor* bias = float_constant(graph, node, node.op->quant.bias);
  if (weight == nullptr || bias == nullptr) return std::nullopt;
  QParams along;  // only its axis is used: which channel an element belongs to
  along.axis = node.op->quant.channel_axis(node, weight_idx, weight->rank());
  const ScaleIndex channel_of(along, weight->dims());
  const auto channels = static_cast<size_t>(bias->size());
  const ChannelMoments moments = found != table.end() ? found->second : assumed_moments(channels);
  FirstLayer layer{std::vector<double>(channels), std::vector<double>(channels), {}, {}};
  const auto weights = weight->data<float>();
  for (size_t i = 0; i < weights.size(); ++i) {
    const double w = static_cast<double>(weights[i]);
    layer.sum[channel_of(static_cast<int64_t>(i))] += w;
    layer.square[channel_of(static_cast<int64_t>(i))] += w * w;
  }
  for (size_t c = 0; c < channels; ++c) {
    layer.mean.push_back(moments.mean[c] - static_cast<double>(bias->data<float>()[c]));
    layer.variance.push_back(moments.deviation[c] * moments.deviation[c]);
  }
  return layer;
}

InputMoments fit(const FirstLayer& layer) {
  double ss = 0, sm = 0;                          // for the mean
  double qq = 0, qc = 0, cc = 0, q1 = 0, c1 = 0;  // normal equations of the variances
  for (size_t o = 0; o < layer.sum.size(); ++o) {
    ss += layer.sum[o] * layer.sum[o];
    sm += layer.sum[o] * layer.mean[o];
    if (layer.variance[o] <= 0) continue;
    const double q = layer.square[o] / layer.variance[o], c = layer.sum[o] * layer.sum[o] / layer.variance[o];
    qq += q * q;
    qc += q * c;
    cc += c * c;
    q1 += q;
    c1 += c;
  }
  InputMoments moments;
  if (ss > 0) moments.mean = sm / ss;
  if (qq <= 0) return moments;
  const double determinant = qq * cc - qc * qc;
  double own = q1 / qq, common = 0;
  if (determinant > 1e-9 * qq * cc) {
    const double own_of_both = (q1 * cc - c1 * qc) / determinant, common_of_both = (c1 * qq - q1 * qc) / determinant;
    if (own_of_both > 0 && common_of_both > 0) {
      own = own_of_both;
      common = common_of_both;
    }
  }
  moments.own = std::sqrt(own);
  moments.common = std::sqrt(common);
  return moments;
}

}  // namespace

std::vector<InputMoments> fit_inputs(const Graph& graph, const MomentTable& table) {
  std::vector<InputMoments> inputs;
  for (ValueId input : graph.inputs) {
    InputMoments moments;
    for (const Node& node : graph.nodes) {
      if (node.inputs.empty() || node.inputs[0] != input) continue;
      const std::optional<FirstLayer> layer = read_layer(graph, node, table);
      if (!layer) continue;
      moments = fit(*layer);
      break;
    }
    inputs.push_back(moments);
  }
  return inputs;
}

}  // namespace tinyc
