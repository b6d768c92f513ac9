// What rounding to the grids will cost, as a function of the factors of a graph's free channels.
//
// Problem: a factor f on channel i of a layer's input changes two things: the step of the input's grid, which the
// channel with the largest range sets for all, and the steps of the weights, whose column i is divided by f. Which
// factors are best? Method: the usual model of rounding as independent noise of variance step^2 / 12, in units of the
// model without factors. For an output o with weights w, from inputs with steps D and mean squares P:
//   input    D^2 / 12 * sum_i w_oi^2 / f_i^2,      D = (max_i high_i f_i - min_i low_i f_i) / levels
//   weights  S_o^2 / 12 * sum_i P_i f_i^2,         S_o = max_i |w_oi| / f_i / q_max        one scale a channel
//                                                  S_o = max_oi |w_oi f_o / f_i| / q_max / f_o   one scale a tensor
// An output counts by what its readers make of it: the square of the weights that read it over their result's power; an
// output without readers, by its layer's own power. The sum over layers is the noise to signal ratio that arises there.
// Cost: one pass over the weights for each evaluation; taps of a convolution are merged beforehand.
#pragma once

#include <span>
#include <vector>

#include "tinyc/quant/channel_ranges.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

class ChannelNoise {
 public:
  ChannelNoise(const Graph& graph, const FreeChannels& channels, const QuantizationSettings& settings,
               std::span<const Sample> samples, int threads);

  // Noise that arises at weights FreeChannels::operands[operand] and at their input.
  double at(size_t operand, std::span<const double> factors) const;

  // By channel, 0 where there is none: the largest magnitude of the values that layers read, and the largest weight
  // that makes and that reads the channel.
  std::span<const double> reach() const { return reach_; }
  std::vector<double> largest_weights(std::span<const size_t> operands, bool made,
                                      std::span<const double> factors) const;

 private:
  // Weights that join the same two channels next to each other in memory.
  struct Link {
    int32_t output = 0, input = 0;
    double largest = 0, energy = 0, taps = 0;
  };
  struct Layer {
    std::vector<Link> links;
    std::vector<double> output_weight;  // by link: what noise of its output counts
    ChannelRanges input;
    double power = 0;  // of its result, all outputs together
    int64_t outputs = 0;
  };

  void read_links(const Graph& graph, const ScaledOperand& operand, Layer& layer) const;
  void weigh_outputs(int32_t channels);

  double levels_, weight_top_;
  bool per_channel_;
  std::vector<Layer> layers_;  // by operand; without links where the operand is no weight
  std::vector<double> reach_;
};

}  // namespace tinyc
