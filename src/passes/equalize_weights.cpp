// equalize-weights: gives the rows of a layer and the columns of its readers the same range, channel by channel.
//
// Problem: with one scale for a whole weight tensor, a channel whose weights are a hundredth of the largest keeps two
// bits of eight. Method: a factor f on a free channel (quant/free_channels.h) multiplies the rows r that make it and
// divides the columns c that read it; f = sqrt(max |c| / max |r|) gives both the range sqrt(max |r| max |c|), which is
// where the product of each one's share of its tensor's range is largest. Channels of one value are treated together,
// values in execution order, over and over until no factor moves: a depthwise layer between two others then ends with
// all three ranges equal, which is the closed form for such triples; sums, concatenations and splits have more rows or
// columns at one channel and need no form of their own. A channel without weights on one side keeps its factor.
// Kept is what a trial on the samples finds better (pass/factor_trial.h); without samples nothing changes.
// Cost: a few passes over the weights. Source: Nagel et al. 2019 (arXiv:1906.04721), section 4.1.
#include <algorithm>
#include <cmath>

#include "tinyc/pass/factor_trial.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/quant/free_channels.h"

namespace tinyc {
namespace {

constexpr int kMostRounds = 200;
constexpr double kSettled = 1e-4;  // relative change of a factor that counts as none
constexpr double kLargestFactor = 4096.0;

class Equalizer {
 public:
  Equalizer(const Graph& graph, const FreeChannels& channels)
      : graph_(graph),
        channels_(channels),
        steps_(layer_channels(channels)),
        factors_(static_cast<size_t>(channels.count), 1.0) {}

  std::vector<double> factors() {
    for (int round = 0; round < kMostRounds; ++round) {
      double moved = 0;
      for (const LayerChannels& step : steps_) moved = std::max(moved, balance(step));
      if (moved < kSettled) break;
    }
    return factors_;
  }

 private:
  // By channel: the largest weight, with the factors of now, of operands that make it or of those that read it.
  std::vector<double> ranges(const std::vector<size_t>& operands, bool made) const {
    std::vector<double> largest(factors_.size(), 0.0);
    for (const size_t idx : operands) {
      const ScaledOperand& operand = channels_.operands[idx];
      const auto weights = graph_[operand.value(graph_)].constant->data<float>();
      for (size_t e = 0; e < weights.size(); ++e) {
        const auto times = static_cast<size_t>(operand.times[e]), over = static_cast<size_t>(operand.over[e]);
        double& most = largest[made ? times : over];
        most = std::max(most, std::abs(static_cast<double>(weights[e])) * factors_[times] / factors_[over]);
      }
    }
    return largest;
  }

  // Returns the largest relative change of a factor.
  double balance(const LayerChannels& step) {
    const std::vector<double> rows = ranges(step.makers, true), columns = ranges(step.readers, false);
    double moved = 0;
    for (int32_t channel : step.channels) {
      const auto at = static_cast<size_t>(channel);
      if (rows[at] <= 0 || columns[at] <= 0) continue;
      const double before = factors_[at];
      factors_[at] = std::clamp(before * std::sqrt(columns[at] / rows[at]), 1 / kLargestFactor, kLargestFactor);
      moved = std::max(moved, std::abs(std::log(factors_[at] / before)));
    }
    return moved;
  }

  const Graph& graph_;
  const FreeChannels& channels_;
  const std::vector<LayerChannels> steps_;
  std::vector<double> factors_;
};

struct Options {
  bool clamps = false;
};
constexpr Opt<Options> kOptions[] = {
    {"clamps", &Options::clamps, "also through clamps with an upper limit, which becomes one a channel"}};

bool run(Graph& graph, const Options& options, PassContext& context) {
  const FreeChannels channels = find_free_channels(graph, options.clamps);
  return keep_helpful_factors(graph, channels, {Equalizer(graph, channels).factors()}, context);
}

}  // namespace

extern constexpr PassDef k_equalize_weights =
    make_pass<Options, kOptions, run>("equalize-weights", "give the weights on both sides of a channel the same range",
                                      Contract::kRounding, Stage::kRewrite);

}  // namespace tinyc
