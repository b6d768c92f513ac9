#include "tinyc/quant/channel_noise.h"

#include <algorithm>
#include <cmath>

#include "tinyc/ir/data_type.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {

ChannelNoise::ChannelNoise(const Graph& graph, const FreeChannels& channels, const QuantizationSettings& settings,
                           std::span<const Sample> samples, int threads)
    : levels_(std::exp2(static_cast<double>(bits_of(settings.activations))) - 1),
      weight_top_(std::exp2(settings.weight_bits - 1) - 1),
      per_channel_(settings.per_channel),
      layers_(channels.operands.size()),
      reach_(static_cast<size_t>(channels.count), 0.0) {
  std::vector<ValueId> values;  // of each layer its input and its result
  std::vector<size_t> weights;
  for (size_t i = 0; i < channels.operands.size(); ++i) {
    if (!channels.operands[i].is_weight) continue;
    const Node& node = graph[channels.operands[i].node];
    weights.push_back(i);
    for (ValueId id : {node.inputs[0], node.outputs[0]}) {
      if (std::find(values.begin(), values.end(), id) == values.end()) values.push_back(id);
    }
  }
  const std::vector<ChannelRanges> ranges = channel_ranges(graph, channels, values, samples, threads);
  const auto ranges_of = [&](ValueId id) -> const ChannelRanges& {
    return ranges[static_cast<size_t>(std::find(values.begin(), values.end(), id) - values.begin())];
  };
  for (size_t i : weights) {
    const ScaledOperand& operand = channels.operands[i];
    Layer& layer = layers_[i];
    read_links(graph, operand, layer);
    layer.input = ranges_of(graph[operand.node].inputs[0]);
    layer.power = ranges_of(graph[operand.node].outputs[0]).mean_square() * static_cast<double>(layer.outputs);
    for (size_t k = 0; k < layer.input.channels.size(); ++k) {
      double& reach = reach_[static_cast<size_t>(layer.input.channels[k])];
      reach = std::max({reach, -layer.input.low[k], layer.input.high[k]});
    }
  }
  weigh_outputs(channels.count);
}

void ChannelNoise::read_links(const Graph& graph, const ScaledOperand& operand, Layer& layer) const {
  const Tensor& weight = *graph[operand.value(graph)].constant;
  const auto data = weight.data<float>();
  for (size_t e = 0; e < data.size(); ++e) {
    const bool same = !layer.links.empty() && layer.links.back().output == operand.times[e] &&
                      layer.links.back().input == operand.over[e];
    if (!same) layer.links.push_back({operand.times[e], operand.over[e]});
    Link& link = layer.links.back();
    const double w = std::abs(static_cast<double>(data[e]));
    link.largest = std::max(link.largest, w);
    link.energy += w * w;
    link.taps += 1;
  }
  layer.outputs = weight_axes(graph[operand.node], weight.dims())->outputs();
}

void ChannelNoise::weigh_outputs(int32_t channels) {
  std::vector<double> read(static_cast<size_t>(channels), 0.0);
  for (const Layer& layer : layers_) {
    for (const Link& link : layer.links) {
      if (layer.power > 0) read[static_cast<size_t>(link.input)] += link.energy / layer.power;
    }
  }
  for (Layer& layer : layers_) {
    for (const Link& link : layer.links) {
      const double by_readers = link.output == kFixedChannel ? 0.0 : read[static_cast<size_t>(link.output)];
      const double alone = layer.power > 0 ? 1 / layer.power : 0.0;
      layer.output_weight.push_back(by_readers > 0 ? by_readers : alone);
    }
  }
}

double ChannelNoise::at(size_t operand, std::span<const double> factors) const {
  const Layer& layer = layers_[operand];
  const auto factor = [&](int32_t channel) { return factors[static_cast<size_t>(channel)]; };
  double low = 0, high = 0;
  std::vector<double> energy(factors.size(), 0.0);
  for (size_t k = 0; k < layer.input.channels.size(); ++k) {
    const int32_t channel = layer.input.channels[k];
    const double f = factor(channel);
    low = std::min(low, layer.input.low[k] * f);
    high = std::max(high, layer.input.high[k] * f);
    energy[static_cast<size_t>(channel)] = layer.input.energy[k] / std::max(layer.input.elements[k], 1.0) * f * f;
  }
  // By output channel: the step of its weights, and what noise its steps of 1 would make.
  std::vector<double> top(factors.size(), 0.0), spread(factors.size(), 0.0);
  double input_noise = 0, highest = 0;
  for (size_t i = 0; i < layer.links.size(); ++i) {
    const Link& link = layer.links[i];
    const double f = factor(link.input);
    const auto output = static_cast<size_t>(link.output);
    input_noise += layer.output_weight[i] * link.energy / (f * f);
    top[output] = std::max(top[output], link.largest / f);
    highest = std::max(highest, link.largest * factor(link.output) / f);
    spread[output] += layer.output_weight[i] * link.taps * energy[static_cast<size_t>(link.input)];
  }
  double weight_noise = 0;
  for (size_t output = 0; output < top.size(); ++output) {
    const double step = (per_channel_ ? top[output] : highest / factors[output]) / weight_top_;
    weight_noise += step * step * spread[output];
  }
  const double step = (high - low) / levels_;
  return (step * step * input_noise + weight_noise) / 12;
}

std::vector<double> ChannelNoise::largest_weights(std::span<const size_t> operands, bool made,
                                                  std::span<const double> factors) const {
  std::vector<double> largest(factors.size(), 0.0);
  for (const size_t operand : operands) {
    for (const Link& link : layers_[operand].links) {
      double& most = largest[static_cast<size_t>(made ? link.output : link.input)];
      most = std::max(
          most, link.largest * factors[static_cast<size_t>(link.output)] / factors[static_cast<size_t>(link.input)]);
    }
  }
  return largest;
}

}  // namespace tinyc
