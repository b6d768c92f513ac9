/* Clamping results to [low, high] where a core saturates to int8 in one instruction.
 *
 * The range is nearly always all of int8: a Relu's zero is then -128. So where there is SSAT a kernel's loop saturates
 * only, and a narrower range costs a pass of its own over the output: clamping twice is clamping once. Elsewhere the
 * loop clamps, and the pass does nothing.
 */
#ifndef TC_CLAMP_S8_H
#define TC_CLAMP_S8_H

#include "base.h"

/* Between stores of bytes: keeps gcc from building a word of them, which costs more than it saves. */
#ifdef __GNUC__
#define TC_APART() __asm__ volatile("" ::: "memory")
#else
#define TC_APART() ((void)0)
#endif

#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
TC_INLINE int32_t tc_clamp_s8(int32_t value, int32_t low, int32_t high) {
  __asm__("ssat %0, #8, %0" : "+r"(value));
  (void)low;
  (void)high;
  return value;
}

TC_FN void tc_clamp_rest(int8_t* data, int32_t size, int32_t low, int32_t high) {
  if (low <= -128 && high >= 127) return;
#ifdef TC_MVE
  for (; size > 0; size -= 16) {
    const mve_pred16_t some = vctp8q((uint32_t)size);
    const int8x16_t x = vmaxq_s8(vldrbq_z_s8(data, some), vdupq_n_s8((int8_t)tc_clamp(low, -128, 127)));
    vstrbq_p_s8(data, vminq_s8(x, vdupq_n_s8((int8_t)tc_clamp(high, -128, 127))), some);
    data += 16;
  }
#else
  for (int32_t i = 0; i < size; ++i) data[i] = (int8_t)tc_clamp(data[i], low, high);
#endif
}
#else
TC_INLINE int32_t tc_clamp_s8(int32_t value, int32_t low, int32_t high) {
  return tc_clamp(value, low, high);
}

TC_INLINE void tc_clamp_rest(int8_t* data, int32_t size, int32_t low, int32_t high) {
  (void)data;
  (void)size;
  (void)low;
  (void)high;
}
#endif

#endif
