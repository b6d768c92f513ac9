// The affine map of each channel that brings what a layer computes nearest to what it should.
#pragma once

#include <span>
#include <vector>

#include "tinyc/ir/tensor.h"

namespace tinyc {

// Sums over the elements of a channel. Parts can be merged.
struct ChannelSums {
  double count = 0, wanted = 0, now = 0, wanted_wanted = 0, now_now = 0, wanted_now = 0;
  void merge(const ChannelSums& other);
};

// Adds the elements of both tensors, of equal dims, to the sums of their channels along `axis`.
void add_channels(std::vector<ChannelSums>& sums, const Tensor& wanted, const Tensor& now, int axis);

// now -> gain * now + shift
struct ChannelMap {
  double gain = 1.0;
  double shift = 0.0;
  bool operator==(const ChannelMap&) const = default;
};

// The map of least squared error; with `gains` both numbers are fitted, else the shift alone. Gains are within [0.5,
// 2], and 1 for a channel that is constant.
std::vector<ChannelMap> fit_channels(std::span<const ChannelSums> sums, bool gains);
// Squared error that is left over all channels.
double error_of(std::span<const ChannelSums> sums, std::span<const ChannelMap> maps);

}  // namespace tinyc
