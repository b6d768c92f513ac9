// Depthwise convolution with a 3x3 kernel whose output has the dims of its input: the layer that small nets have most
// of.
//
//   y[c, o] = clamp(bias[c] + sum over ky, kx of x[c, o - 1 + k] * w[c, ky, kx])
//
// Method: the plane is one line, without padding. A tap is the same line moved by (ky - 1) * width + (kx - 1); the
// lanes for which that is another row, or none, are masked to zero while they are loaded. The masks are those of the
// output position, the same for all channels, and most vectors of a wide plane need none. So nothing is copied, padded
// or compacted, and planes of five columns fill their vectors as well as those of a hundred. Numbers: the chain of
// convolution.h; a masked lane adds 0 * w, as padding does. Cost: one load and one multiply-add for each tap of a
// vector.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/kernels/convolution.h"

namespace tinyc::kernels {

class Depthwise3x3 {
 public:
  // Nullopt when the layer is another, or the machine has no masked loads (they must not touch what they mask).
  static std::optional<Depthwise3x3> plan(const ConvolutionDims& dims);
  // Weights as [channels, 3, 3]; needs no scratch.
  void run(const Convolution::Operands& operands) const;

 private:
  Depthwise3x3() = default;
  int64_t samples_ = 0, channels_ = 0, count_ = 0, width_ = 0;
  std::vector<uint32_t> masks_;  // by vector and tap: bit i for lane i
};

}  // namespace tinyc::kernels
