#include "tinyc/quant/noise_gains.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "tinyc/base/parallel.h"
#include "tinyc/base/rng.h"
#include "tinyc/eval/remainder.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/channel_fit.h"
#include "tinyc/quant/variants.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

constexpr double kNoise = 0.05;            // of the weights, beside their root mean square in the channel
constexpr double kBudget = 5e10;           // multiply-accumulates of all probes
constexpr double kFewest = 4, kMost = 32;  // samples
constexpr double kLeast = 0.2;             // of a layer's mean gain: what few samples show is not believed below it

constexpr double kLeastPower = 1e-30;

using Results = std::vector<std::vector<Tensor>>;

double power_of_row(const OutputError& error, int64_t row) {
  const auto target = error.target.row(row);
  double power = 0;
  for (int64_t i = 0; i < error.h.columns; ++i) {
    const auto h = error.h.row(i);
    double product = 0;
    for (size_t j = 0; j < target.size(); ++j) product += h[j] * target[j];
    power += product * target[static_cast<size_t>(i)];
  }
  return power;
}

bool makes_end(const Node& node) {
  return node.op != nullptr && (node.op->is_view || node.op->quant.kind == QuantKind::kFixedRange);
}

// A layer whose weights are probed, and where its output channels lie.
struct Probed {
  NodeId id;
  int weight;
  int axis;  // of output 0; -1: rows are not its channels
  int64_t channels = 1;
};

std::optional<Probed> probed(const Graph& graph, NodeId id, int weight) {
  const Node& node = graph[id];
  if (weight < 0 || weight >= static_cast<int>(node.inputs.size())) return std::nullopt;
  const ValueId value = node.inputs[static_cast<size_t>(weight)];
  const ValueId out = node.outputs.empty() ? kNoValue : node.outputs[0];
  if (value == kNoValue || out == kNoValue || !graph[value].constant) return std::nullopt;
  if (graph[value].constant->dtype() != DataType::kFloat || !graph[out].type.shape.ranked()) return std::nullopt;
  const auto axes = weight == 1 && node.op->quant.scaling == Scaling::kLayer
                        ? weight_axes(node, graph[value].constant->dims())
                        : std::nullopt;
  if (!axes) return Probed{id, weight, -1};
  return Probed{id, weight, axes->convolution ? 1 : graph[out].type.shape.rank() - 1, axes->outputs()};
}

// The elements of a tensor that lie in channels [first, first + count) of an axis are taken from `other`.
Tensor with_channels(const Tensor& tensor, const Tensor& other, int axis, int64_t first, int64_t count) {
  Tensor mixed = Tensor::of<float>(tensor.dims(), tensor.data<float>());
  const Dims& dims = tensor.dims();
  const auto at = static_cast<size_t>(axis);
  const int64_t outer = element_count(std::span(dims).subspan(0, at));
  const int64_t inner = element_count(std::span(dims).subspan(at + 1)), stride = dims[at] * inner;
  const auto from = other.data<float>();
  const auto to = mixed.mutable_data<float>();
  for (int64_t o = 0; o < outer; ++o) {
    const auto begin = static_cast<size_t>(o * stride + first * inner);
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(begin), count * inner,
                to.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  return mixed;
}

class Prober {
 public:
  Prober(const Graph& graph, std::span<const Sample> samples, uint64_t seed, int threads)
      : graph_(graph), seed_(seed), threads_(threads), ends_(end_values(graph)) {
    find_layers();
    const double samples_in_budget = kBudget / std::max(work_, 1.0);
    const auto count = static_cast<size_t>(std::clamp(samples_in_budget, kFewest, kMost));
    samples_ = samples.subspan(0, std::min(count, samples.size()));
    together_ = static_cast<int64_t>(std::ceil(static_cast<double>(samples_.size()) / samples_in_budget));
    wanted_ = run_samples(remainder_of(graph, NodeId{0}, ends_).graph, Engine::kFloat, samples_, threads);
    for (size_t k = 0; k < ends_.size(); ++k) {
      double& power = powers_.emplace_back(0.0);
      for (const std::vector<Tensor>& sample : wanted_) {
        for (const float v : sample[k].data<float>()) power += static_cast<double>(v) * static_cast<double>(v);
      }
    }
  }

  NoiseGains run() {
    LayerwiseRun run(graph_, Engine::kFloat, samples_, threads_);
    auto layer = layers_.begin();
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      const auto first = layer;
      while (layer != layers_.end() && layer->id == id) ++layer;
      std::vector<Results> noisy;
      for (auto l = first; l != layer; ++l) noisy.push_back(run.compute(with_noise(*l), id));
      const Results exact = run.compute(graph_, id);
      run.store(graph_, id, exact);
      for (auto l = first; l != layer; ++l) probe(*l, run, exact, noisy[static_cast<size_t>(l - first)]);
    }
    return std::move(gains_);
  }

 private:
  void find_layers() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      if (graph_[id].op == nullptr) continue;
      const size_t before = layers_.size();
      for (const int weight : graph_[id].op->quant.weights) {
        if (const auto layer = probed(graph_, id, weight)) layers_.push_back(*layer);
      }
      if (layers_.size() == before) continue;
      const auto work = static_cast<double>(remainder_of(graph_, next(id), ends_).work);
      for (size_t l = before; l < layers_.size(); ++l) work_ += work * static_cast<double>(layers_[l].channels);
    }
  }

  static NodeId next(NodeId id) { return NodeId{static_cast<uint32_t>(index_of(id) + 1)}; }

  // The weights of each channel changed by noise in proportion to them.
  Graph with_noise(const Probed& layer) const {
    Graph noisy = graph_;
    Value& value = noisy[noisy[layer.id].inputs[static_cast<size_t>(layer.weight)]];
    Tensor weights = Tensor::of<float>(value.constant->dims(), value.constant->data<float>());
    const auto data = weights.mutable_data<float>();
    const auto axes = layer.axis < 0 ? std::nullopt : weight_axes(noisy[layer.id], weights.dims());
    const auto channel = [&](size_t e) {
      return axes ? static_cast<size_t>(axes->output_of(static_cast<int64_t>(e))) : size_t{0};
    };
    std::vector<double> squares(static_cast<size_t>(layer.channels), 0.0), counts = squares;
    for (size_t e = 0; e < data.size(); ++e) {
      squares[channel(e)] += static_cast<double>(data[e]) * static_cast<double>(data[e]);
      counts[channel(e)] += 1;
    }
    Rng rng(seed_, index_of(layer.id) * 2 + static_cast<size_t>(layer.weight));
    for (size_t e = 0; e < data.size(); ++e) {
      const double deviation = kNoise * std::sqrt(squares[channel(e)] / counts[channel(e)]);
      data[e] = static_cast<float>(static_cast<double>(data[e]) + deviation * rng.normal());
    }
    value.constant = weights;
    return noisy;
  }

  void probe(const Probed& layer, const LayerwiseRun& run, const Results& exact, const Results& noisy) {
    NoiseGain& gain = gains_[graph_[graph_[layer.id].inputs[static_cast<size_t>(layer.weight)]].name];
    const Rest rest(*this, layer.id, run);
    std::vector<Tensor> changed;
    for (const std::vector<Tensor>& results : noisy) changed.push_back(results.front());
    gain.whole += rest.noise_of(changed) / (kNoise * kNoise);
    if (layer.axis < 0) return;
    add_powers(layer, exact, gain.powers);
    const std::vector<double> errors = centre(layer, exact, changed);
    std::vector<double> gains;
    for (int64_t first = 0; first < layer.channels; first += together_) {
      const int64_t count = std::min(together_, layer.channels - first);
      std::vector<Tensor> mixed;
      double error = 0;
      for (int64_t c = first; c < first + count; ++c) error += errors[static_cast<size_t>(c)];
      for (size_t s = 0; s < samples_.size(); ++s) {
        mixed.push_back(with_channels(exact[s].front(), changed[s], layer.axis, first, count));
      }
      const double found = error > 0 ? rest.noise_of(mixed) / error : 0.0;
      gains.insert(gains.end(), static_cast<size_t>(count), found);
    }
    double mean = 0;
    for (const double g : gains) mean += g / static_cast<double>(gains.size());
    gain.by_channel.resize(gains.size(), 0.0);
    for (size_t c = 0; c < gains.size(); ++c) gain.by_channel[c] += std::max(gains[c], kLeast * mean);
  }

  static void add_powers(const Probed& layer, const Results& exact, std::vector<double>& powers) {
    std::vector<ChannelSums> sums;
    for (const std::vector<Tensor>& results : exact) add_channels(sums, results.front(), results.front(), layer.axis);
    powers.resize(sums.size(), 0.0);
    for (size_t c = 0; c < sums.size(); ++c) {
      const double mean = sums[c].wanted / sums[c].count;
      powers[c] += std::max(sums[c].wanted_wanted / sums[c].count - mean * mean, 0.0);
    }
  }

  // Takes the mean of each channel's change out of `changed`; returns their mean squares.
  static std::vector<double> centre(const Probed& layer, const Results& exact, std::vector<Tensor>& changed) {
    std::vector<ChannelSums> sums;
    for (size_t s = 0; s < changed.size(); ++s) add_channels(sums, exact[s].front(), changed[s], layer.axis);
    const std::vector<ChannelMap> maps = fit_channels(sums, false);
    for (Tensor& tensor : changed) {
      const Dims dims = tensor.dims();
      const int64_t inner = element_count(std::span(dims).subspan(static_cast<size_t>(layer.axis) + 1));
      const int64_t extent = dims[static_cast<size_t>(layer.axis)];
      Tensor centred = Tensor::of<float>(dims, tensor.data<float>());
      const auto data = centred.mutable_data<float>();
      for (size_t i = 0; i < data.size(); ++i) {
        const auto c = static_cast<size_t>(static_cast<int64_t>(i) / inner % extent);
        data[i] = static_cast<float>(static_cast<double>(data[i]) + maps[c].shift);
      }
      tensor = centred;
    }
    std::vector<double> errors;
    for (size_t c = 0; c < sums.size(); ++c) {
      errors.push_back(error_of(std::span(&sums[c], 1), std::span(&maps[c], 1)) / sums[c].count);
    }
    return errors;
  }

  // What follows a node, and what it reads.
  class Rest {
   public:
    Rest(const Prober& prober, NodeId id, const LayerwiseRun& run)
        : prober_(prober),
          rest_(remainder_of(prober.graph_, next(id), prober.ends_)),
          output_(prober.graph_[id].outputs[0]),
          inputs_(prober.samples_.size()) {
      for (size_t s = 0; s < inputs_.size(); ++s) {
        for (const ValueId value : rest_.inputs) inputs_[s].push_back(run.value(s, value));
      }
    }

    // At the end, beside its power, where the node's output is another, by sample.
    double noise_of(std::span<const Tensor> outputs) const {
      std::vector<Sample> inputs = inputs_;
      for (size_t i = 0; i < rest_.inputs.size(); ++i) {
        if (rest_.inputs[i] != output_) continue;
        for (size_t s = 0; s < inputs.size(); ++s) inputs[s][i] = outputs[s];
      }
      const Results got = run_samples(rest_.graph, Engine::kFloat, inputs, prober_.threads_);
      double noise = 0;
      for (size_t k = 0; k < prober_.ends_.size(); ++k) {
        double sum = 0;
        for (size_t s = 0; s < got.size(); ++s) {
          const auto a = got[s][k].data<float>(), b = prober_.wanted_[s][k].data<float>();
          for (size_t i = 0; i < a.size(); ++i) {
            const double e = static_cast<double>(a[i]) - static_cast<double>(b[i]);
            sum += e * e;
          }
        }
        if (prober_.powers_[k] > 0) noise += sum / prober_.powers_[k] / static_cast<double>(prober_.ends_.size());
      }
      return noise;
    }

   private:
    const Prober& prober_;
    Remainder rest_;
    ValueId output_;
    std::vector<Sample> inputs_;
  };

  const Graph& graph_;
  uint64_t seed_;
  int threads_;
  std::vector<ValueId> ends_;
  std::span<const Sample> samples_;
  int64_t together_ = 1;  // channels that are measured at once
  std::vector<Probed> layers_;
  double work_ = 0;                          // of all probes on one sample
  std::vector<std::vector<Tensor>> wanted_;  // [sample][end]
  std::vector<double> powers_;               // by end
  NoiseGains gains_;
};

}  // namespace

std::vector<ValueId> end_values(const Graph& graph) {
  std::vector<ValueId> ends;
  for (ValueId id : graph.outputs) {
    if (graph[id].type.dtype != DataType::kFloat) continue;
    const Uses uses(graph);
    for (NodeId maker = uses.producer_of(id); maker != kNoNode && makes_end(graph[maker]);
         maker = uses.producer_of(id)) {
      id = graph[maker].inputs[0];
    }
    if (std::find(ends.begin(), ends.end(), id) == ends.end()) ends.push_back(id);
  }
  return ends;
}

NoiseGains measure_noise_gains(const Graph& graph, std::span<const Sample> samples, uint64_t seed, int threads) {
  return Prober(graph, samples, seed, threads).run();
}

NoiseGain find_gain(const NoiseGains& gains, std::string_view weight) {
  const auto found = gains.find(weight);
  return found != gains.end() && found->second.whole > 0 ? found->second : NoiseGain{.whole = 1};
}

double noise_of_worth(const NoiseGain& gain, int64_t weights) {
  if (gain.by_channel.empty()) return static_cast<double>(weights) * std::sqrt(gain.whole);
  double mean = 0;
  for (size_t r = 0; r < gain.by_channel.size(); ++r) mean += std::sqrt(gain.by_channel[r] * gain.powers[r]);
  return static_cast<double>(weights) * mean / static_cast<double>(gain.by_channel.size());
}

std::vector<std::vector<double>> worth_of_rows(const NoiseGain& gain, std::span<const OutputError> errors) {
  std::vector<std::vector<double>> worth(errors.size());
  size_t rows = 0;
  for (const OutputError& error : errors) rows += static_cast<size_t>(error.target.rows);
  const bool by_channel = gain.by_channel.size() == rows;
  size_t channel = 0;
  for (size_t g = 0; g < errors.size(); ++g) {
    for (int64_t r = 0; r < errors[g].target.rows; ++r, ++channel) {
      const double power = std::max(power_of_row(errors[g], r), kLeastPower);
      const double own = by_channel ? gain.by_channel[channel] : gain.whole / static_cast<double>(rows) / power;
      worth[g].push_back(std::sqrt(own / power));
    }
  }
  return worth;
}

}  // namespace tinyc
