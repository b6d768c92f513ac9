// What BatchNormalization recorded in training about the values that it made: mean beta and deviation |gamma| of each
// channel. It is all that a model without data knows about its activations.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

// By channel, which is axis 1 of the value.
struct ChannelMoments {
  std::vector<double> mean;
  std::vector<double> deviation;  // not negative
};

using MomentTable = std::map<std::string, ChannelMoments, std::less<>>;  // by value name

// What the floats of one graph input are like: mean + common * z + own * e, with z one number a sample and e one an
// element, both of deviation 1.
struct InputMoments {
  double mean = 0.0;
  double own = 1.0;
  double common = 0.0;
};

// By graph input, from the moments of the layer that reads it: see recorded_moments.cpp. Standard where nothing is
// known.
std::vector<InputMoments> fit_inputs(const Graph& graph, const MomentTable& table);

}  // namespace tinyc
