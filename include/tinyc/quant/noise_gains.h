// How much of the noise that a layer's weights make arrives at the end of the model: what makes noise of one layer, or
// of one of its channels, comparable with that of another.
//
// Problem: searches that trade error for bytes see one layer at a time, and in it the error of each row's output. What
// that error is worth depends on what the rest of the model makes of it: a channel that a Relu hardly lets pass, or
// that readers weigh little, may be far off. Method: the weights of a layer are changed by a little noise, and of what
// changes in the layer's output one channel at a time is put into the float model; the rest of the model is run and
// the change at its end is measured. Noise so made is correlated over positions and samples as that of rounded weights
// is, and any op may follow. The mean of a channel's change is taken out: a bias makes up for it. Where that would cost
// more than a budget, neighbouring channels are measured together.
// Cost: a run of the rest of the model for each channel and sample, up to the budget. Source of the idea: the diagonal
// of the Gauss-Newton matrix with respect to a layer's output (LeCun, Denker and Solla, Optimal Brain Damage, 1990).
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/ir/graph.h"
#include "tinyc/quant/second_order.h"

namespace tinyc {

// Of one weight operand. Noise at the end is a share of the power of what the model puts out.
struct NoiseGain {
  // By output channel: noise at the end for each unit of the mean square of what changes in it, and the variance of
  // what the channel holds. Empty where rows are not channels of the output (gates of recurrent layers).
  std::vector<double> by_channel = {};
  std::vector<double> powers = {};
  // Noise at the end for each share of the power of its products that becomes noise, all rows alike.
  double whole = 0;
};

// By name of the weight.
using NoiseGains = std::map<std::string, NoiseGain, std::less<>>;

// The values that say what a model puts out: its float outputs, where these are a Softmax or the like what it reads,
// for there the few samples that are near a boundary decide.
std::vector<ValueId> end_values(const Graph& graph);

// Of all layers of a float graph with inferred types; a weight that several nodes read has the sum of their gains. At
// least one sample. The same for any number of threads.
NoiseGains measure_noise_gains(const Graph& graph, std::span<const Sample> samples, uint64_t seed, int threads);

// What a unit of error of each row of a layer's products is worth, [group][row], for searches that trade errors of all
// rows of a model against each other: sqrt(gain / P), P the power of the row. Why not gain alone: a row that is far off
// is more than its noise; later layers are fitted to what it became, which takes a part of the noise away again, and
// the less the larger its share of the row's own power. So both count alike: the geometric mean of gain and 1 / P (on
// five models 1 to 4 dB better than either alone, at the same bytes). Rows that are not channels of the output share
// what the layer's noise is worth.
std::vector<std::vector<double>> worth_of_rows(const NoiseGain& gain, std::span<const OutputError> errors);
// Sum over a layer's `weights`, one by one, of sqrt(gain P): the noise at the end when each makes an error worth 1.
double noise_of_worth(const NoiseGain& gain, int64_t weights);

// The gain of a weight by its name; of one that is not known, as of one of which all noise arrives.
NoiseGain find_gain(const NoiseGains& gains, std::string_view weight);

}  // namespace tinyc
