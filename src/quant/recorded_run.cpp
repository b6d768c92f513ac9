// Problem: statistics of activations are needed and there are no data. Inputs made at random give a trained network
// values of the wrong size: errors of their distribution grow from layer to layer. What is right about each layer, mean
// and deviation of its channels in training, stands in the model as the parameters of its BatchNormalization.
// Method: what BatchNormalization does in training: layer by layer in execution order, the layer's output over all
// samples is measured and its channels are scaled and shifted to the recorded moments; later layers see the result.
//   y' = (y - mean(y)) |gamma| / deviation(y) + beta
// All values between are what the model's own ops make of these, so sums, clamps and padding need no formulas.
// One thing they make wrong: the mean over all positions of a map. Noise averages out there, and a picture does not;
// what is behind (the scores of a classifier) would come out far too small. So the mean over positions takes the
// deviation that the positions had, which is the most that it can have.
// Why this and not inputs distilled by gradients (ZeroQ): it meets the recorded moments exactly at every layer, in one
// run of the model, where distillation comes near them in hundreds. Cost: one run over the samples, held in memory.
// Source: Ioffe and Szegedy, Batch Normalization, 2015; Cai et al., ZeroQ, 2020 (arXiv:2001.00281) for the aim.
#include "tinyc/quant/recorded_run.h"

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

using Results = std::vector<std::vector<Tensor>>;

constexpr double kLeastDeviation = 1e-6;  // of a channel's mean; below, the channel is a constant

// Calls body(channel, element) for all elements; channels lie on axis 1.
template <typename Body>
void for_each_element(const Tensor& tensor, const Body& body) {
  const Dims& dims = tensor.dims();
  const auto channels = static_cast<size_t>(dims[1]);
  const auto inner = static_cast<size_t>(element_count(std::span(dims).subspan(2)));
  const auto data = tensor.data<float>();
  for (size_t i = 0; i < data.size(); ++i) body(i / inner % channels, static_cast<double>(data[i]));
}

// Of one tensor for each sample, as value_of(sample) gives it.
template <typename ValueOf>
ChannelMoments measure(size_t samples, const ValueOf& value_of) {
  const auto channels = static_cast<size_t>(value_of(0).dims()[1]);
  ChannelMoments moments{std::vector<double>(channels), std::vector<double>(channels)};
  double count = 0;
  for (size_t s = 0; s < samples; ++s) {
    count += static_cast<double>(value_of(s).size()) / static_cast<double>(channels);
    for_each_element(value_of(s), [&](size_t channel, double x) { moments.mean[channel] += x; });
  }
  for (double& mean : moments.mean) mean /= count;
  for (size_t s = 0; s < samples; ++s) {
    for_each_element(value_of(s), [&](size_t channel, double x) {
      moments.deviation[channel] += (x - moments.mean[channel]) * (x - moments.mean[channel]);
    });
  }
  for (double& deviation : moments.deviation) deviation = std::sqrt(deviation / count);
  return moments;
}

void bring_to(Results& results, const ChannelMoments& wanted) {
  const ChannelMoments now =
      measure(results.size(), [&](size_t sample) -> const Tensor& { return results[sample].front(); });
  std::vector<double> scale;
  for (size_t c = 0; c < now.mean.size(); ++c) {
    const bool varies = now.deviation[c] > kLeastDeviation * std::abs(now.mean[c]);
    scale.push_back(varies ? wanted.deviation[c] / now.deviation[c] : 0.0);
  }
  for (std::vector<Tensor>& sample : results) {
    std::vector<float> values;
    for_each_element(sample.front(), [&](size_t channel, double x) {
      values.push_back(static_cast<float>((x - now.mean[channel]) * scale[channel] + wanted.mean[channel]));
    });
    sample.front() = Tensor::of<float>(sample.front().dims(), values);
  }
}

bool has_channels(const Tensor& tensor, size_t channels) {
  return tensor.dtype() == DataType::kFloat && tensor.rank() >= 2 && tensor.size() > 0 &&
         tensor.dims()[1] == static_cast<int64_t>(channels);
}

// One number for each channel out of several.
bool pools_all_positions(const Node& node, const Tensor& from, const Tensor& to) {
  if (node.op == nullptr || from.dtype() != DataType::kFloat || from.rank() < 3 || to.rank() < 2) return false;
  if (node.op->quant.scaling != Scaling::kPool && node.op->quant.scaling != Scaling::kReduce) return false;
  const auto channels = static_cast<size_t>(from.dims()[1]);
  return has_channels(to, channels) && to.size() == to.dims()[0] * to.dims()[1] && from.size() > to.size();
}

}  // namespace

void RecordedRun::step(NodeId id) {
  const Node& node = graph_[id];
  Results results = run_.compute(graph_, id);
  const Tensor& first = results.front().front();
  const auto found = table_.find(graph_[node.outputs[0]].name);
  if (found != table_.end() && has_channels(first, found->second.mean.size())) {
    bring_to(results, found->second);
  } else if (!node.inputs.empty() && node.inputs[0] != kNoValue && !graph_[node.inputs[0]].constant &&
             pools_all_positions(node, run_.value(0, node.inputs[0]), first)) {
    bring_to(results,
             measure(results.size(), [&](size_t s) -> const Tensor& { return run_.value(s, node.inputs[0]); }));
  }
  run_.store(graph_, id, std::move(results));
}

Statistics observe_recorded(const Graph& graph, const MomentTable& table, std::span<const Sample> samples,
                            std::span<const ValueId> observed, int threads) {
  Statistics statistics;
  statistics.synthetic = true;
  statistics.samples = samples.size();
  RecordedRun run(graph, table, samples, threads);
  const auto observe = [&](ValueId id) {
    if (std::find(observed.begin(), observed.end(), id) == observed.end()) return;
    ValueStatistics& found = statistics.values[graph[id].name];
    for (size_t s = 0; s < samples.size(); ++s) {
      found.recent.push_back(found.histogram.add(run.value(s, id).data<float>()));
    }
    if (found.histogram.nan() == 0) return;
    throw Error(ErrorKind::kModel, "value '" + graph[id].name + "' is NaN",
                "the float model itself computes no number for generated inputs; give data");
  };
  for (ValueId id : graph.inputs) observe(id);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    run.step(NodeId(i));
    for (ValueId id : graph.nodes[i].outputs) observe(id);
  }
  return statistics;
}

}  // namespace tinyc
