// Two-dimensional transposed convolution in float, planned once for given dims. The axes are those of the convolution
// whose adjoint this is: `in` is the size of our output, `out` that of our input.
//
//   y[n, m, i * stride - pad + k * dilation] += x[n, c, i] * w[c, m, k], from y = bias
//
// Method: one matrix product gives what each input position adds through each tap, summed over the input channels; then
// the taps are added to the output in their order. Cost: the multiply-adds, and one addition for each tap of a
// position. Numbers: a chain over the channels for each tap, then the taps: fixed by the dims of one sample.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/kernels/convolution.h"

namespace tinyc::kernels {

class TransposedConvolution {
 public:
  // Nullopt when a sample is too large for 32-bit offsets.
  static std::optional<TransposedConvolution> plan(const ConvolutionDims& dims);
  int64_t packed_weight_size() const { return dims_.channels * taps_of_group(); }
  // From [channels, out_channels / groups, kernel y, kernel x].
  void pack_weights(const float* weights, float* packed) const;
  int64_t scratch_size() const { return taps_of_group() * positions(); }
  void run(const Convolution::Operands& operands) const;

 private:
  explicit TransposedConvolution(const ConvolutionDims& dims);
  int64_t positions() const { return dims_.y.out * dims_.x.out; }
  int64_t taps_of_group() const { return dims_.out_channels / dims_.groups * dims_.y.kernel * dims_.x.kernel; }
  void add_tap(const float* added, int64_t tap, float* y) const;

  ConvolutionDims dims_;
  std::vector<int32_t> lines_;
};

}  // namespace tinyc::kernels
