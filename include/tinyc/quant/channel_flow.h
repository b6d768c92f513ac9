// Which channels of which values are the same channel, and what each can hold for any input.
//
// Problem: a channel can leave the graph only together with all that is tied to it: the layer that computes it, the
// depthwise layers, clamps, pools and moves that it passes through, and the layers that read it. Method: values whose
// channels are tied one to one form a space (union-find along the nodes); dense layers stand between spaces. A space is
// fixed when something else reads or makes one of its values, or when one is an input or an output of the graph.
// Ranges are interval arithmetic over the stored integers, in execution order: sound, and exact where a layer's inputs
// are single points. A result nearer to a tie than engines agree on keeps both neighbours.
#pragma once

#include <optional>
#include <vector>

#include "tinyc/quant/integer_layer.h"

namespace tinyc {

// Element i along `axis` of a value belongs to channel i / inner % channels of its space (a flattened image has several
// elements a channel).
struct ChannelPlace {
  int space = -1;  // -1: the value has no channels that are followed
  int axis = 1;
  int64_t inner = 1;
};

struct ChannelSpace {
  int64_t channels = 0;
  bool fixed = false;
};

struct ChannelFlow {
  std::vector<ChannelPlace> places;                 // by value
  std::vector<ChannelSpace> spaces;                 // by space
  std::vector<std::vector<Range>> ranges;           // by value with a space, by channel; see Range for the unit
  std::vector<std::optional<IntegerLayer>> layers;  // by node
};

// Types must be inferred.
ChannelFlow follow_channels(const Graph& graph);

// The channel of element i along the value's channel axis.
int64_t channel_at(const ChannelFlow& flow, ValueId id, int64_t element);

}  // namespace tinyc
