// Which parts of a float graph can be multiplied by positive factors without changing what it computes.
//
// Problem: quantization cares how large the channels of a value are beside each other, the float model does not: a
// factor that a layer's rows take on and the readers' columns take off again changes nothing but the grids. Which
// elements must have the same factor, which must have none, and which constants take factors up?
//
// Method: every element of a value belongs to a channel; channels that an op needs to have one factor are united
// (union-find), those that an op cannot follow become channel 0, whose factor is 1. Layers with constant weights stand
// between channels: each output has one of its own. What an op does is said by its trait (Scaling in ops/op.h): sums
// unite their operands element by element, pools unite positions, and an op that moves elements is run on the numbers
// of the channels themselves, so that residual additions, concatenations, splits, flattened images, heads of an
// attention, depthwise, grouped and transposed convolutions need no cases of their own. Source of the idea: Nagel et
// al. 2019 (arXiv:1906.04721), where it is done for chains.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

inline constexpr int32_t kFixedChannel = 0;

// A channel for each element. `dims` are as many as those of the value, each its own or 1 where the channel does not
// depend on that axis. No channels: the value is not followed.
struct ChannelMap {
  Dims dims;
  std::vector<int32_t> channels;
};

// A constant operand that takes factors up: element e becomes c[e] * factor[times[e]] / factor[over[e]].
struct ScaledOperand {
  NodeId node = kNoNode;
  int operand = 0;
  bool is_weight = false;           // of a layer; else an addend, a gain or a limit
  Dims dims;                        // that the constant is broadcast to before it takes factors up
  std::vector<int32_t> times = {};  // by element
  std::vector<int32_t> over = {};   // by element; empty: none

  ValueId value(const Graph& graph) const { return graph[node].inputs[static_cast<size_t>(operand)]; }
};

struct FreeChannels {
  int32_t count = 1;                    // channels are 0..count-1
  std::vector<ChannelMap> maps;         // by value
  std::vector<ScaledOperand> operands;  // in execution order
};

// Types must be inferred. With `split_clamps` channels stay free behind a Clip with limits other than 0 and infinity;
// scale_channels() then makes it a pair of Max and Min with a limit for each channel.
FreeChannels find_free_channels(const Graph& graph, bool split_clamps);

// The free channels that one layer makes (each is listed with the first one that makes it), and the weights of all
// layers that make or read any of them. Layers are indices into FreeChannels::operands.
struct LayerChannels {
  size_t maker = 0;  // may be a gain instead of weights
  std::vector<int32_t> channels = {};
  std::vector<size_t> makers = {}, readers = {};
};
std::vector<LayerChannels> layer_channels(const FreeChannels& channels);

// Multiplies the elements of every channel by its factor (> 0; that of channel 0 is 1). What the graph computes changes
// by float rounding only. Constants whose channels all have factor 1 stay as they are. Ids of nodes may change.
void scale_channels(Graph& graph, const FreeChannels& channels, std::span<const double> factors);

}  // namespace tinyc
