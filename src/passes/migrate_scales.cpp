// migrate-scales: moves range from activations to weights, or back, where it costs less.
//
// Problem: one step serves all channels of an activation. A channel whose values are a tenth of the largest - common
// behind LayerNormalization, whose gains differ by decades, and behind folded BatchNormalization - keeps three bits
// less than the others, while the weights that read it have a scale for each output channel and bits to spare. Method:
// a factor on a free channel (quant/free_channels.h) takes range from the weights that read it and gives it to the
// values, so that both are exactly what they were in the float model. Which factors are best is a trade between two
// noises that can be predicted (quant/channel_noise.h): for the channels of one layer at a time, factors are raised by
// powers of the reach of their values, of the largest weight that reads and of the largest that makes them, as long as
// the predicted noise falls; layers in turn until nothing improves. The trade of SmoothQuant, reach^-a * weight^(1-a)
// with one a for all layers, lies within these powers. How far to go and which layers to keep is up to a trial on the
// samples (pass/factor_trial.h).
// Cost: some hundred passes over the weights. Sources: Xiao et al., SmoothQuant, 2023 (arXiv:2211.10438); Meller et
// al., Same, Same But Different, 2019 (arXiv:1902.01917).
#include <algorithm>
#include <cmath>

#include "tinyc/eval/computable.h"
#include "tinyc/pass/factor_trial.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/quant/channel_noise.h"

namespace tinyc {
namespace {

constexpr int kMostRounds = 8;
constexpr double kLeastGain = 0.01;  // relative to a layer's noise
constexpr double kPowers[] = {0.5, 0.25, 0.125, -0.125};
// Channels that hardly ever hold anything are not made larger than this: on other data they might.
constexpr double kSmallestReach = 1.0 / 16;
constexpr double kLargestFactor = 4096.0;
// Of the way to the predicted optimum that is gone: the prediction sees each layer alone.
constexpr double kShares[] = {1.0, 0.7, 0.4};

class Balancer {
 public:
  Balancer(const ChannelNoise& noise, const FreeChannels& channels)
      : noise_(noise), layers_(layer_channels(channels)), factors_(static_cast<size_t>(channels.count), 1.0) {}

  std::vector<double> factors() {
    for (int round = 0; round < kMostRounds; ++round) {
      bool improved = false;
      for (const LayerChannels& layer : layers_) improved = improve(layer) || improved;
      if (!improved) break;
    }
    return factors_;
  }

 private:
  double noise_around(const LayerChannels& layer) const {
    double sum = 0;
    for (const size_t operand : layer.readers) sum += noise_.at(operand, factors_);
    for (const size_t operand : layer.makers) {
      const bool reads_too = std::find(layer.readers.begin(), layer.readers.end(), operand) != layer.readers.end();
      if (!reads_too) sum += noise_.at(operand, factors_);
    }
    return sum;
  }

  // What a channel's factor is raised by powers of: positive, 1 on average.
  using Direction = std::vector<double>;

  // A channel of size 0 is dead: its factor stays.
  static Direction direction(const LayerChannels& layer, std::span<const double> sizes, bool inverse, double floor) {
    double most = 0, logs = 0, live = 0;
    for (int32_t channel : layer.channels) most = std::max(most, sizes[static_cast<size_t>(channel)]);
    Direction result;
    for (int32_t channel : layer.channels) {
      const double size = sizes[static_cast<size_t>(channel)];
      if (size <= 0) continue;
      const double bounded = std::max(size, most * floor);
      logs += inverse ? std::log(most / bounded) : std::log(bounded / most);
      live += 1;
    }
    for (int32_t channel : layer.channels) {
      const double size = sizes[static_cast<size_t>(channel)];
      const double bounded = std::max(size, most * floor);
      const double raised = inverse ? most / bounded : bounded / most;
      result.push_back(size > 0 ? raised / std::exp(logs / live) : 1.0);
    }
    return most > 0 ? result : Direction();
  }

  std::vector<Direction> directions(const LayerChannels& layer) const {
    std::vector<double> reach(factors_.size());
    for (size_t i = 0; i < reach.size(); ++i) reach[i] = noise_.reach()[i] * factors_[i];
    std::vector<Direction> all{direction(layer, reach, true, kSmallestReach),
                               direction(layer, noise_.largest_weights(layer.readers, false, factors_), false, 1e-6),
                               direction(layer, noise_.largest_weights(layer.makers, true, factors_), true, 1e-6)};
    all.erase(std::remove(all.begin(), all.end(), Direction()), all.end());
    return all;
  }

  std::vector<double> raised(const LayerChannels& layer, const Direction& direction, double power) const {
    std::vector<double> result;
    for (size_t i = 0; i < layer.channels.size(); ++i) {
      const double now = factors_[static_cast<size_t>(layer.channels[i])];
      result.push_back(std::clamp(now * std::pow(direction[i], power), 1 / kLargestFactor, kLargestFactor));
    }
    return result;
  }

  void set(const LayerChannels& layer, const std::vector<double>& values) {
    for (size_t i = 0; i < values.size(); ++i) factors_[static_cast<size_t>(layer.channels[i])] = values[i];
  }

  // Takes the step that lowers the noise most, again and again; false when none does.
  bool improve(const LayerChannels& layer) {
    if (layer.readers.empty()) return false;
    bool improved = false;
    for (double least = noise_around(layer);;) {
      std::vector<double> now, best;
      for (int32_t channel : layer.channels) now.push_back(factors_[static_cast<size_t>(channel)]);
      double lowest = least * (1 - kLeastGain);
      for (const Direction& direction : directions(layer)) {
        for (const double power : kPowers) {
          const std::vector<double> tried = raised(layer, direction, power);
          set(layer, tried);
          if (const double noise = noise_around(layer); noise < lowest) {
            lowest = noise;
            best = tried;
          }
          set(layer, now);
        }
      }
      if (best.empty()) return improved;
      set(layer, best);
      least = lowest;
      improved = true;
    }
  }

  const ChannelNoise& noise_;
  const std::vector<LayerChannels> layers_;
  std::vector<double> factors_;
};

bool run(Graph& graph, PassContext& context) {
  if (context.samples.size() < 2 || computable_part(graph).nodes.size() != graph.nodes.size()) {
    context.note("model", "skipped: there are no calibration samples");
    return false;
  }
  const FreeChannels channels = find_free_channels(graph, false);
  if (channels.count == 1) return false;
  const ChannelNoise noise(graph, channels, context.settings, context.samples, context.threads);
  const std::vector<double> best = Balancer(noise, channels).factors();
  std::vector<std::vector<double>> candidates;
  for (const double share : kShares) {
    candidates.push_back(best);
    for (double& factor : candidates.back()) factor = std::pow(factor, share);
  }
  return keep_helpful_factors(graph, channels, candidates, context);
}

}  // namespace

extern constexpr PassDef k_migrate_scales =
    make_pass<run>("migrate-scales", "move range between activations and the weights around them", Contract::kRounding,
                   Stage::kRewrite);

}  // namespace tinyc
