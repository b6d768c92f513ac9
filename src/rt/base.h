/* What every kernel stands on: linkage, saturation, requantization, and the instructions that C has no words for.
 *
 * The files of this folder are the integer evaluator of tinyc and, as text, the code that it emits. They are C99 that
 * is C++ as well, use nothing but <stdint.h> and <string.h>, allocate nothing, and have no state. A file may have up to
 * three paths, chosen by the compiler's own feature macros, all of which give the same bytes:
 *   TC_MVE  Armv8.1-M vectors (Cortex-M55)
 *   TC_DSP  16-bit pairs of Armv7E-M and Armv8-M (Cortex-M4, M7, M33)
 *   else    portable C, written for a 32-bit scalar core (Cortex-M0+, M3, RISC-V)
 *
 * Numbers. Values are int8 on a grid: real = scale * (q - zero_point). Weights have zero point 0. The input's zero
 * point is folded into the bias offline, so that a padded element counts as zero_point and nothing is subtracted in
 * loops. Layout: activations [height][width][channels], batch 1. Weights of products [out][inputs], each row padded
 * with zeros to a multiple of 4 bytes. `channels` of a product are pairs {bias, multiplier}, one per output channel.
 * Buffers that a kernel reads and writes may overlap as the kernel's comment says; scratch is 16-byte aligned.
 */
#ifndef TC_BASE_H
#define TC_BASE_H

#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define TC_FN static __attribute__((unused))
#define TC_INLINE static inline __attribute__((unused, always_inline))
#define TC_NOINLINE static __attribute__((unused, noinline))
#define TC_ALIGN __attribute__((aligned(4))) /* constants, which are read by the word */
#else
#define TC_FN static
#define TC_INLINE static inline
#define TC_NOINLINE static
#define TC_ALIGN
#endif

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define TC_MVE 1
#include <arm_mve.h>
#elif defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32)
#define TC_DSP 1
#endif

/* The high word of a 64-bit product, rounded down. Armv6-M has no such multiply: there it is four 16-bit products. */
TC_INLINE int32_t tc_mul_high(int32_t a, int32_t b) {
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
  const uint32_t a_low = (uint32_t)a & 0xFFFFU;
  const uint32_t b_low = (uint32_t)b & 0xFFFFU;
  const int32_t a_high = a >> 16;
  const int32_t b_high = b >> 16;
  const uint32_t low = a_low * b_low;
  const int32_t cross = (int32_t)(a_low * (uint32_t)b_high) + (int32_t)(low >> 16);
  const int32_t middle = (int32_t)((uint32_t)a_high * b_low + ((uint32_t)cross & 0xFFFFU));
  return a_high * b_high + (cross >> 16) + (middle >> 16);
#else
  return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

TC_INLINE int32_t tc_clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : (value > high ? high : value);
}

/* q = zero_point + acc * multiplier / 2^(32 + shift), one rounding, half up; rounding = 2^(shift-1) + (zero_point <<
 * shift); 1 <= shift <= 22 and |acc * multiplier / 2^32| + |rounding| < 2^31 (proved offline for every layer). */
TC_INLINE int32_t tc_requantize(int32_t acc, int32_t multiplier, int32_t rounding, int32_t shift) {
  return (tc_mul_high(acc, multiplier) + rounding) >> shift;
}

/* Four bytes from any address. */
TC_INLINE uint32_t tc_load4(const void* from) {
  uint32_t word;
  memcpy(&word, from, 4);
  return word;
}

TC_INLINE void tc_store4(void* to, uint32_t word) {
  memcpy(to, &word, 4);
}

#ifdef TC_DSP
/* Bytes 0 and 2 of a word as two int16; bytes 1 and 3. */
TC_INLINE uint32_t tc_widen_even(uint32_t word) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
  return pair;
}

TC_INLINE uint32_t tc_widen_odd(uint32_t word) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
  return pair;
}

/* acc + low(a) * low(b) + high(a) * high(b), all signed 16-bit. */
TC_INLINE int32_t tc_dual_mac(uint32_t a, uint32_t b, int32_t acc) {
  int32_t sum;
  __asm__("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
  return sum;
}
#endif

#endif
