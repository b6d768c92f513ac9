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

struct Layer {
  const Convolution::Operands& operands;
  int64_t samples, channels, count, width;
  const uint32_t* masks;
};

}  // namespace
}  // namespace tinyc::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kStep = static_cast<int64_t>(kLanes);
using Mask = hn::Mask<FloatTag>;

HWY_INLINE Mask mask_of(const uint32_t& bits) {
  return hn::LoadMaskBits(FloatTag(), reinterpret_cast<const uint8_t*>(&bits));
}

// Elements [at, at + kLanes) of a line of `count`; zero where there are none.
HWY_INLINE FloatVec load_inside(const float* line, int64_t count, int64_t at) {
  const FloatTag d;
  if (at >= 0 && at + kStep <= count) return hn::LoadU(d, line + at);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2  // masked loads do not touch what they mask
  const int64_t first = HWY_MIN(HWY_MAX(int64_t{0}, -at), kStep);
  const int64_t past = HWY_MAX(first, HWY_MIN(kStep, count - at));
  const auto bits = static_cast<uint32_t>((uint64_t{1} << past) - (uint64_t{1} << first));
  return hn::MaskedLoad(mask_of(bits), d, line + at);
#else
  HWY_ALIGN float lanes[kLanes] = {};
  for (int64_t i = HWY_MAX(int64_t{0}, -at); i < HWY_MIN(kStep, count - at); ++i) lanes[i] = line[at + i];
  return hn::Load(d, lanes);
#endif
}

// A row of taps for successive vectors of outputs.
class Row {
 public:
  Row(const float* line, int64_t count, int64_t at)
      : line_(line),
        count_(count),
        at_(at),
        before_(hn::Zero(FloatTag())),
        here_(load_inside(line, count, at)),
        after_(load_inside(line, count, at + kStep)) {}

  FloatVec here() const { return here_; }
#if HWY_TARGET == HWY_AVX3
  FloatVec left(Mask inside) const {
    return FloatVec{_mm512_castsi512_ps(_mm512_maskz_alignr_epi32(inside.raw, bits(here_), bits(before_), 15))};
  }
  FloatVec right(Mask inside) const {
    return FloatVec{_mm512_castsi512_ps(_mm512_maskz_alignr_epi32(inside.raw, bits(after_), bits(here_), 1))};
  }
#else
  FloatVec left(Mask inside) const {
    return hn::IfThenElseZero(inside, load_inside(line_, count_, at_ - 1));
  }
  FloatVec right(Mask inside) const {
    return hn::IfThenElseZero(inside, load_inside(line_, count_, at_ + 1));
  }
#endif
  void advance() {
    at_ += kStep;
    before_ = here_;
    here_ = after_;
    after_ = load_inside(line_, count_, at_ + kStep);
  }

 private:
#if HWY_TARGET == HWY_AVX3
  static __m512i bits(FloatVec v) {
    return _mm512_castps_si512(v.raw);
  }
#endif
  const float* line_;
  int64_t count_;
  int64_t at_;
  FloatVec before_, here_, after_;
};

HWY_INLINE FloatVec add_row(const Row& row, const float* weights, Mask left, Mask right, FloatVec sum) {
  const FloatTag d;
  sum = fused_multiply_add(hn::Set(d, weights[0]), row.left(left), sum);
  sum = fused_multiply_add(hn::Set(d, weights[1]), row.here(), sum);
  return fused_multiply_add(hn::Set(d, weights[2]), row.right(right), sum);
}

void run_plane(const Layer& layer, const float* x, const float* weights, float bias, float* y) {
  const FloatTag d;
  const FloatVec low = hn::Set(d, layer.operands.low), high = hn::Set(d, layer.operands.high);
  Row above(x, layer.count, -layer.width), level(x, layer.count, 0), below(x, layer.count, layer.width);
  const uint32_t* masks = layer.masks;
  for (int64_t at = 0; at < layer.count; at += kStep, masks += 2) {
    const Mask left = mask_of(masks[0]), right = mask_of(masks[1]);
    FloatVec sum = hn::Set(d, bias);
    sum = add_row(above, weights, left, right, sum);
    sum = add_row(level, weights + 3, left, right, sum);
    sum = add_row(below, weights + 6, left, right, sum);
    store_first(clamp(sum, low, high), static_cast<size_t>(layer.count - at), y + at);
    above.advance();
    level.advance();
    below.advance();
  }
}

void run_layer(const Layer& layer) {
  for (int64_t i = 0; i < layer.samples * layer.channels; ++i) {
    const int64_t channel = i % layer.channels;
    const float bias = layer.operands.bias == nullptr ? 0.0F : layer.operands.bias[channel];
    run_plane(layer, layer.operands.x + i * layer.count, layer.operands.weights + channel * 9, bias,
              layer.operands.y + i * layer.count);
  }
}

}  // namespace
}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinyc::kernels {

HWY_EXPORT(run_layer);

std::optional<Depthwise3x3> Depthwise3x3::plan(const ConvolutionDims& dims) {
  const auto fits = [](const PlaneAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.pad == 1 && axis.in == axis.out;
  };
  if (dims.groups != dims.channels || dims.out_channels != dims.channels || !fits(dims.y) || !fits(dims.x)) {
    return std::nullopt;
  }
  Depthwise3x3 plan;
  plan.samples_ = dims.samples;
  plan.channels_ = dims.channels;
  plan.width_ = dims.x.in;
  plan.count_ = dims.y.in * dims.x.in;
  for (int64_t at = 0; at < plan.count_; at += vector_lanes()) {
    uint32_t left = 0, right = 0;
    for (int64_t lane = 0; lane < std::min(vector_lanes(), plan.count_ - at); ++lane) {
      const int64_t x = (at + lane) % plan.width_;
      if (x > 0) left |= uint32_t{1} << lane;
      if (x + 1 < plan.width_) right |= uint32_t{1} << lane;
    }
    plan.masks_.insert(plan.masks_.end(), {left, right});
  }
  return plan;
}

void Depthwise3x3::run(const Convolution::Operands& operands) const {
  HWY_DYNAMIC_DISPATCH(run_layer)
  ({.operands = operands,
    .samples = samples_,
    .channels = channels_,
    .count = count_,
    .width = width_,
    .masks = masks_.data()});
}

}  // namespace tinyc::kernels
#endif
