// Depthwise convolution with a 3x3 kernel whose output has the dims of its input: the layer that small nets have most
// of.
//
//   y[c, o] = clamp(bias[c] + sum over ky, kx of x[c, o - 1 + k] * w[c, ky, kx])
//
// Method: the plane is one line, without padding. A row of taps is that line moved by a row: one load for each vector;
// its neighbours to the left and right are that vector and the ones before and after it, moved by one lane. Beyond the
// plane the line is zero, which pads the rows above and below; lanes whose neighbour is in another row are masked. So
// nothing is copied, padded or compacted, and planes of five columns fill their vectors as well as those of a hundred.
// Numbers: the chain of convolution.h; a masked lane adds 0 * w, as padding does.
// Cost: three loads, six shifts and nine multiply-adds for each vector of outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/kernels/convolution.h"

namespace tinyc::kernels {

class Depthwise3x3 {
 public:
  // Nullopt when the layer is another.
  static std::optional<Depthwise3x3> plan(const ConvolutionDims& dims);
  // Weights as [channels, 3, 3]; needs no scratch.
  void run(const Convolution::Operands& operands) const;

 private:
  Depthwise3x3() = default;
  int64_t samples_ = 0, channels_ = 0, count_ = 0, width_ = 0;
  std::vector<uint32_t>
      masks_;  // by vector: lanes that have a left neighbour in their row, lanes that have a right one
};

}  // namespace tinyc::kernels
