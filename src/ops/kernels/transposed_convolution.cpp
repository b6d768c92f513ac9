#include "ops/kernels/transposed_convolution.h"

#include <algorithm>

#include "ops/kernels/elementwise.h"

namespace tinyc::kernels {
namespace {

// The input positions i for which i * stride + offset lies in [0, axis.in).
struct Reached {
  int64_t first, past;
  Reached(const PlaneAxis& axis, int64_t offset) {
    const auto ceil_div = [&](int64_t n) { return n <= 0 ? int64_t{0} : (n + axis.stride - 1) / axis.stride; };
    first = std::min(ceil_div(-offset), axis.out);
    past = std::max(first, std::min(ceil_div(axis.in - offset), axis.out));
  }
};

}  // namespace

TransposedConvolution::TransposedConvolution(const ConvolutionDims& dims) : dims_(dims) {
  for (int64_t c = 0; c < dims.channels / dims.groups; ++c) lines_.push_back(static_cast<int32_t>(c * positions()));
}

std::optional<TransposedConvolution> TransposedConvolution::plan(const ConvolutionDims& dims) {
  if (dims.channels * dims.y.out * dims.x.out > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return TransposedConvolution(dims);
}

void TransposedConvolution::pack_weights(const float* weights, float* packed) const {
  const int64_t rows = taps_of_group(), depth = dims_.channels / dims_.groups;
  for (int64_t g = 0; g < dims_.groups; ++g) {
    pack_rows(rows, depth, weights + g * depth * rows, 1, rows, packed + g * depth * rows);
  }
}

void TransposedConvolution::run(const Convolution::Operands& operands) const {
  const int64_t rows = taps_of_group(), depth = dims_.channels / dims_.groups;
  const int64_t taps = dims_.y.kernel * dims_.x.kernel, plane = dims_.y.in * dims_.x.in;
  const ColumnRun run{0, 0, positions()};
  for (int64_t i = 0; i < dims_.samples * dims_.groups; ++i) {
    const int64_t group = i % dims_.groups;
    multiply({.rows = rows,
              .depth = depth,
              .a = operands.weights + group * depth * rows,
              .b = operands.x + i * depth * positions(),
              .lines = lines_.data(),
              .runs = {&run, 1},
              .out = operands.scratch,
              .out_stride = positions()});
    for (int64_t m = 0; m < rows / taps; ++m) {
      float* const y = operands.y + (i * (rows / taps) + m) * plane;
      std::fill_n(y, plane, operands.bias == nullptr ? 0.0F : operands.bias[group * (rows / taps) + m]);
      for (int64_t tap = 0; tap < taps; ++tap) add_tap(operands.scratch + (m * taps + tap) * positions(), tap, y);
      clamp_all(y, plane, operands.low, operands.high, y);
    }
  }
}

void TransposedConvolution::add_tap(const float* added, int64_t tap, float* y) const {
  const int64_t down = tap / dims_.x.kernel * dims_.y.dilation - dims_.y.pad;
  const int64_t right = tap % dims_.x.kernel * dims_.x.dilation - dims_.x.pad;
  const Reached rows(dims_.y, down), columns(dims_.x, right);
  const int64_t stride = dims_.x.stride;
  for (int64_t r = rows.first; r < rows.past; ++r) {
    float* const to = y + (r * dims_.y.stride + down) * dims_.x.in + right;
    const float* const from = added + r * dims_.x.out;
    for (int64_t c = columns.first; c < columns.past; ++c) to[c * stride] += from[c];
  }
}

}  // namespace tinyc::kernels
