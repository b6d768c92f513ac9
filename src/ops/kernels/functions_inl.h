// Exponential, hyperbolic tangent, logistic and error function of a vector of floats.
//
// Method: exp(x) = 2^n * exp(r) with n the integer nearest to x / ln 2 and |r| <= ln 2 / 2; exp(r) = 1 + r + r^2 q(r).
// tanh and erf are odd polynomials near zero, where a difference of exponentials would lose digits, and
// 1 - 2 / (exp(2x) + 1) and 1 - exp(p(x)) beyond. The polynomials are least-maximum fits of the relative error
// (Lawson's reweighting of least squares), the largest below 2e-8; with rounding each function is within 3e-7 of the
// true value, relative. Overflow gives infinity, underflow goes through the subnormals to 0, NaN stays NaN. Cost: 8
// multiply-adds for exp, about 20 for the others, and a division.
#if defined(TINYC_OPS_KERNELS_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TINYC_OPS_KERNELS_FUNCTIONS_INL_H_
#undef TINYC_OPS_KERNELS_FUNCTIONS_INL_H_
#else
#define TINYC_OPS_KERNELS_FUNCTIONS_INL_H_
#endif

#include "ops/kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {

// c[0] + c[1] x + c[2] x^2 + ...
template <size_t kCount>
HWY_INLINE FloatVec polynomial(FloatVec x, const float (&c)[kCount]) {
  const FloatTag d;
  FloatVec sum = hn::Set(d, c[kCount - 1]);
  for (size_t i = kCount - 1; i-- > 0;) sum = fused_multiply_add(sum, x, hn::Set(d, c[i]));
  return sum;
}

// 2^n for n in [-126, 127].
template <class IntVec>
HWY_INLINE FloatVec power_of_two(IntVec n) {
  const hn::RebindToSigned<FloatTag> di;
  return hn::BitCast(FloatTag(), hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}

HWY_INLINE FloatVec exp_of(FloatVec x) {
  static constexpr float kQ[] = {5.000000000e-01F, 1.666651815e-01F, 4.166620597e-02F, 8.368954062e-03F,
                                 1.395059982e-03F};
  const FloatTag d;
  const FloatVec bounded = clamp(x, hn::Set(d, -104.0F), hn::Set(d, 89.0F));
  const auto n = hn::NearestInt(hn::Mul(bounded, hn::Set(d, 1.442695041F)));
  const FloatVec whole = hn::ConvertTo(d, n);
  FloatVec r = fused_multiply_add(whole, hn::Set(d, -0.693359375F), bounded);
  r = fused_multiply_add(whole, hn::Set(d, 2.12194440e-4F), r);
  const FloatVec tail = fused_multiply_add(polynomial(r, kQ), hn::Mul(r, r), r);
  const FloatVec mantissa = hn::Add(hn::Set(d, 1.0F), tail);
  // In two steps, so that neither factor leaves the exponent's range.
  const auto half = hn::ShiftRight<1>(n);
  return hn::Mul(hn::Mul(mantissa, power_of_two(half)), power_of_two(hn::Sub(n, half)));
}

HWY_INLINE FloatVec tanh_of(FloatVec x) {
  static constexpr float kP[] = {-3.333328366e-01F, 1.333149076e-01F, -5.374349654e-02F, 2.065057866e-02F,
                                 -5.717036780e-03F};
  const FloatTag d;
  const FloatVec magnitude = hn::Abs(x);
  const FloatVec square = hn::Mul(x, x);
  const FloatVec near = fused_multiply_add(hn::Mul(polynomial(square, kP), square), x, x);
  const FloatVec one = hn::Set(d, 1.0F);
  const FloatVec e = exp_of(hn::Add(magnitude, magnitude));
  const FloatVec far = hn::Sub(one, hn::Div(hn::Set(d, 2.0F), hn::Add(e, one)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625F)), near, hn::CopySign(far, x));
}

// 1 / (1 + exp(-x)); the exponent is never positive, so nothing overflows.
HWY_INLINE FloatVec sigmoid_of(FloatVec x) {
  const FloatTag d;
  const FloatVec one = hn::Set(d, 1.0F);
  const FloatVec e = exp_of(hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

HWY_INLINE FloatVec erf_of(FloatVec x) {
  static constexpr float kNear[] = {1.283791512e-01F,  -3.761249483e-01F, 1.128180251e-01F,
                                    -2.676556632e-02F, 4.990980029e-03F,  -5.976893590e-04F};
  static constexpr float kFar[] = {1.746844500e-04F, -1.129514933e+00F, -6.333469152e-01F, -1.082800925e-01F,
                                   2.511942759e-02F, -4.171063192e-03F, 4.344626213e-04F,  -2.109505112e-05F};
  const FloatTag d;
  const FloatVec magnitude = hn::Abs(x);
  const FloatVec near = fused_multiply_add(polynomial(hn::Mul(x, x), kNear), x, x);
  const FloatVec bounded = clamp(magnitude, hn::Zero(d), hn::Set(d, 4.0F));  // erf(4) rounds to 1
  const FloatVec far = hn::Sub(hn::Set(d, 1.0F), exp_of(polynomial(bounded, kFar)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.92F)), near, hn::CopySign(far, x));
}

}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TINYC_OPS_KERNELS_FUNCTIONS_INL_H_
