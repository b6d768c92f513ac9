// What all kernels share, compiled once for each instruction set. The results must not depend on which one runs: so
// multiply-adds are fused everywhere (lane by lane through the C library where the hardware has none), and nothing sums
// across the lanes of a vector but in an order that has the vector's size in it nowhere.
#include <cmath>
#include <cstddef>
#include <cstdint>

#if defined(TINYC_OPS_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINYC_OPS_KERNELS_SIMD_INL_H_
#undef TINYC_OPS_KERNELS_SIMD_INL_H_
#else
#define TINYC_OPS_KERNELS_SIMD_INL_H_
#endif

#include "hwy/highway.h"

#ifndef TINYC_UNROLL
#if defined(__GNUC__) && !defined(__clang__)
#define TINYC_UNROLL _Pragma("GCC unroll 16")
#else
#define TINYC_UNROLL
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;
inline constexpr size_t kLanes = hn::MaxLanes(FloatTag());

// a * b + c, rounded once.
HWY_INLINE FloatVec fused_multiply_add(FloatVec a, FloatVec b, FloatVec c) {
#if (HWY_ARCH_X86 && HWY_TARGET > HWY_AVX2) || HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  const FloatTag d;
  HWY_ALIGN float x[kLanes];
  HWY_ALIGN float y[kLanes];
  HWY_ALIGN float z[kLanes];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (size_t i = 0; i < kLanes; ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
#else
  return hn::MulAdd(a, b, c);
#endif
}

// Bounds as second thoughts: a NaN stays a NaN.
HWY_INLINE FloatVec clamp(FloatVec v, FloatVec low, FloatVec high) {
  return hn::Min(high, hn::Max(low, v));
}

// Stores the first `count` lanes (all when count >= kLanes).
HWY_INLINE void store_first(FloatVec v, size_t count, float* to) {
  const FloatTag d;
  if (count >= kLanes) {
    hn::StoreU(v, d, to);
  } else {
    hn::BlendedStore(v, hn::FirstN(d, count), d, to);
  }
}

}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TINYC_OPS_KERNELS_SIMD_INL_H_
