#include "ops/kernels/depthwise.h"

#include <algorithm>

#include "ops/kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/depthwise.cpp"
#include "hwy/foreach_target.h"
#include "ops/kernels/simd_inl.h"

#ifndef TINYC_OPS_KERNELS_DEPTHWISE_ONCE_
#define TINYC_OPS_KERNELS_DEPTHWISE_ONCE_
namespace tinyc::kernels {
namespace {

constexpr int64_t kTaps = 9;

struct Plane {
  const float* x;
  const float* weights;
  float bias, low, high;
  float* y;
  int64_t count, width;
  const uint32_t* masks;
};

}  // namespace
}  // namespace tinyc::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {
namespace {

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
constexpr bool kHasMaskedLoads = true;
#else
constexpr bool kHasMaskedLoads = false;
#endif
constexpr int64_t kStep = static_cast<int64_t>(kLanes);

bool has_masked_loads() {
  return kHasMaskedLoads;
}

HWY_INLINE FloatVec load_masked(uint32_t bits, const float* from) {
  const FloatTag d;
  return hn::MaskedLoad(hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(&bits)), d, from);
}

// What the masks of a vector have in common decides how much masking it needs.
enum class Masking { kNone, kColumns, kAll };

template <Masking kMasking>
HWY_INLINE FloatVec sum_taps(const Plane& plane, int64_t at, const uint32_t* masks, const FloatVec (&weights)[kTaps]) {
  const FloatTag d;
  FloatVec sum = hn::Set(d, plane.bias);
  TINYC_UNROLL for (int64_t tap = 0; tap < kTaps; ++tap) {
    const float* const from = plane.x + at + (tap / 3 - 1) * plane.width + (tap % 3 - 1);
    const bool plain = kMasking == Masking::kNone || (kMasking == Masking::kColumns && tap % 3 == 1);
    const uint32_t bits = kMasking == Masking::kColumns ? masks[tap % 3] : masks[tap];
    const FloatVec x = plain ? hn::LoadU(d, from) : load_masked(bits, from);
    sum = fused_multiply_add(weights[tap], x, sum);
  }
  return clamp(sum, hn::Set(d, plane.low), hn::Set(d, plane.high));
}

void run_plane(const Plane& plane) {
  const FloatTag d;
  FloatVec weights[kTaps];
  TINYC_UNROLL for (int64_t tap = 0; tap < kTaps; ++tap) weights[tap] = hn::Set(d, plane.weights[tap]);
  constexpr uint32_t kFull = static_cast<uint32_t>((uint64_t{1} << kLanes) - 1);
  const uint32_t* masks = plane.masks;
  for (int64_t at = 0; at < plane.count; at += kStep, masks += kTaps) {
    FloatVec y;
    if ((masks[0] & masks[2] & masks[6] & masks[8]) == kFull) {
      y = sum_taps<Masking::kNone>(plane, at, masks, weights);
    } else if ((masks[1] & masks[7]) == kFull) {
      y = sum_taps<Masking::kColumns>(plane, at, masks, weights);
    } else {
      y = sum_taps<Masking::kAll>(plane, at, masks, weights);
    }
    store_first(y, static_cast<size_t>(plane.count - at), plane.y + at);
  }
}

}  // namespace
}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinyc::kernels {

HWY_EXPORT(has_masked_loads);
HWY_EXPORT(run_plane);

std::optional<Depthwise3x3> Depthwise3x3::plan(const ConvolutionDims& dims) {
  const auto fits = [](const PlaneAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.pad == 1 && axis.in == axis.out;
  };
  if (dims.groups != dims.channels || dims.out_channels != dims.channels || !fits(dims.y) || !fits(dims.x) ||
      !HWY_DYNAMIC_DISPATCH(has_masked_loads)()) {
    return std::nullopt;
  }
  Depthwise3x3 plan;
  plan.samples_ = dims.samples;
  plan.channels_ = dims.channels;
  plan.width_ = dims.x.in;
  plan.count_ = dims.y.in * dims.x.in;
  for (int64_t at = 0; at < plan.count_; at += vector_lanes()) {
    for (int64_t tap = 0; tap < kTaps; ++tap) {
      uint32_t bits = 0;
      for (int64_t lane = 0; lane < std::min(vector_lanes(), plan.count_ - at); ++lane) {
        const int64_t y = (at + lane) / plan.width_ + tap / 3 - 1, x = (at + lane) % plan.width_ + tap % 3 - 1;
        if (y >= 0 && y < dims.y.in && x >= 0 && x < dims.x.in) bits |= uint32_t{1} << lane;
      }
      plan.masks_.push_back(bits);
    }
  }
  return plan;
}

void Depthwise3x3::run(const Convolution::Operands& operands) const {
  for (int64_t i = 0; i < samples_ * channels_; ++i) {
    const int64_t channel = i % channels_;
    HWY_DYNAMIC_DISPATCH(run_plane)
    ({.x = operands.x + i * count_,
      .weights = operands.weights + channel * kTaps,
      .bias = operands.bias == nullptr ? 0.0F : operands.bias[channel],
      .low = operands.low,
      .high = operands.high,
      .y = operands.y + i * count_,
      .count = count_,
      .width = width_,
      .masks = masks_.data()});
  }
}

}  // namespace tinyc::kernels
#endif
