// Two-dimensional convolution in float, planned once for given dims.
//
//   y[n, m, o] = clamp(bias[m] + sum over c, ky, kx of x[n, c, o * stride - pad + k * dilation] * w[m, c, ky, kx])
//
// Method: a matrix product without unrolling the image (see product.h): the channels become padded planes (planes.h),
// and line k of B is the tap k = (c, ky, kx) in them. Where the rows of the output are much shorter than a vector, or
// leave one half empty at their ends, the columns of a panel are gathered first, from several samples if one is too
// small; and a depthwise layer runs over a whole plane as one line, its padding included, and drops what lies between
// the rows. Which way is taken depends on dims and machine; the numbers do not: each element is the same chain in any
// of them.
//
// Cost: the multiply-adds, one copy of the input unless it needs no padding, and a few percent for panels.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "ops/kernels/dense.h"
#include "ops/kernels/planes.h"
#include "ops/kernels/product.h"

namespace tinyc::kernels {

struct ConvolutionDims {
  int64_t samples = 1;
  int64_t channels = 1;
  int64_t out_channels = 1;
  int64_t groups = 1;
  PlaneAxis y, x;
};

class Convolution {
 public:
  // Nullopt when a sample is too large for 32-bit offsets.
  static std::optional<Convolution> plan(const ConvolutionDims& dims);

  int64_t packed_weight_size() const;
  // From [out_channels, channels / groups, kernel y, kernel x].
  void pack_weights(const float* weights, float* packed) const;

  int64_t scratch_size() const;
  struct Operands {
    const float* x = nullptr;        // one vector may be read past its end
    const float* weights = nullptr;  // packed
    const float* bias = nullptr;     // by output channel; null: 0
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
    float* y = nullptr;
    float* scratch = nullptr;  // scratch_size() floats
  };
  void run(const Operands& operands) const;

 private:
  enum class Way : uint8_t {
    kRows,      // each output row is a run of its own (or all are one, where nothing lies between them)
    kLine,      // several output rows are one line, written to scratch; then they are picked out
    kPanels,    // columns gathered into panels
    kJoined,    // as kPanels, over several samples
    kChannels,  // positions are the rows of the product, output channels its columns
  };
  Convolution() = default;
  void choose_way();
  void set_runs();
  void run_samples(const Operands& operands, int64_t first, int64_t count, int64_t group) const;
  void run_channels(const Operands& operands) const;
  void run_lines(Product product, float* line, float* y) const;
  int64_t line_size() const { return (rows_in_line_ - 1) * planes_.pitch() + dims_.x.out; }
  void run_panels(const Product& product, int64_t samples, float* panel, float* y) const;
  int64_t out_count() const { return dims_.y.out * dims_.x.out; }
  int64_t planes_size() const;

  ConvolutionDims dims_;
  Planes planes_;
  int64_t depth_ = 0;  // channels of a group * taps
  int64_t rows_ = 0;   // output channels of a group
  Way way_ = Way::kRows;
  int64_t joined_ = 1;        // samples at a time
  int64_t rows_in_line_ = 1;  // kLine
  std::vector<int32_t> lines_;
  std::vector<int32_t> panel_lines_;
  std::vector<ColumnRun> runs_;
  std::optional<Dense> transposed_;           // kChannels: the weights
  std::vector<std::vector<Segment>> panels_;  // kPanels, kJoined: pieces of each that are contiguous in the planes
};

}  // namespace tinyc::kernels
