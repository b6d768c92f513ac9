/* The inner loops of the DSP path of depthwise3x3_s8.h, which says what they do and why. */
#ifndef TC_DEPTHWISE3X3_DSP_H
#define TC_DEPTHWISE3X3_DSP_H

#include "base.h"
#include "depthwise_plane.h"

#ifdef TC_DSP

/* The numbers that the loops below take, 16 words at the start of scratch. The weights are (w0 w1) (w1 w2) of each
 * line. */
enum { kTcBias, kTcWeights, kTcMultiplier = 7, kTcRounding, kTcShift, kTcStep, kTcStep3, kTcSize, kTcLines, kTcWidth };

TC_INLINE void tc_pairs3x3(const int8_t* from, int32_t* to, int32_t step_a, int32_t step_b) {
  for (int32_t b = 0; b < 3; ++b) {
    const uint32_t middle = (uint32_t)from[step_a];
    *to++ = (int32_t)(((uint32_t)from[0] & 0xFFFFU) | middle << 16);
    *to++ = (int32_t)((middle & 0xFFFFU) | (uint32_t)from[2 * step_a] << 16);
    from += step_b;
  }
}

/* Three taps of four outputs, in r4 to r7; the first addends are the bias, in r7. */
#define TC_TAPS_STRIDE1(a, b, c) \
  "ldrd r11, r12, [r1], #8\n\t"  \
  "ldm r0, {r8, r9, r10}\n\t"    \
  "smlad r4, r8, r11, " a        \
  "\n\t"                         \
  "smlatb r5, r8, r11, " b       \
  "\n\t"                         \
  "smlad r6, r9, r11, " c        \
  "\n\t"                         \
  "smlatb r7, r9, r11, r7\n\t"   \
  "smlabt r4, r9, r12, r4\n\t"   \
  "smlad r5, r9, r12, r5\n\t"    \
  "smlabt r6, r10, r12, r6\n\t"  \
  "smlad r7, r10, r12, r7\n\t"

#define TC_TAPS_STRIDE2(a, b, c) \
  "ldrd r11, r12, [r1], #8\n\t"  \
  "ldm r0, {r8, r9, r10}\n\t"    \
  "smlad r4, r8, r11, " a        \
  "\n\t"                         \
  "ldr r8, [r0, #12]\n\t"        \
  "smlad r5, r9, r11, " b        \
  "\n\t"                         \
  "smlabt r4, r9, r12, r4\n\t"   \
  "ldr r9, [r0, #16]\n\t"        \
  "smlad r6, r10, r11, " c       \
  "\n\t"                         \
  "smlabt r5, r10, r12, r5\n\t"  \
  "smlad r7, r8, r11, r7\n\t"    \
  "smlabt r6, r8, r12, r6\n\t"   \
  "smlabt r7, r9, r12, r7\n\t"

#define TC_FINISH_IN(acc) \
  "smmla " acc ", " acc   \
  ", r8, r9\n\t"          \
  "asr " acc ", " acc     \
  ", r10\n\t"             \
  "ssat " acc ", #8, " acc "\n\t"

/* One channel: x the plane, k the numbers above (kTcLines is counted down), four outputs at a time and at the end of a
 * line fewer. In instructions, because the registers just suffice and the compiler spills them. r3: bytes of a line of
 * the plane, lr: outputs left of the line. */
#define TC_LINES(name, taps, advance, line_bytes)                                                                \
  __attribute__((naked, noinline, TC_NOIPA, unused)) static void name(                                           \
      const tc_plane* x __attribute__((unused)), int32_t* k __attribute__((unused)),                             \
      int8_t* out __attribute__((unused)), int32_t step_b __attribute__((unused))) {                             \
    __asm__ volatile(                                                                                          \
        "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"                                                  \
        "ldr r3, [r1, #56]\n"                                                                                  \
        "1:\n\t"                                                                                               \
        "push {r0, r2}\n\t"                                                                                    \
        "ldr lr, [r1, #48]\n"                                                                                  \
        "2:\n\t"                                                                                               \
        "ldr r7, [r1], #4\n\t"                                                                                 \
        taps("r7", "r7", "r7")                                                                                 \
        "add r0, r0, r3\n\t"                                                                                   \
        taps("r4", "r5", "r6")                                                                                 \
        "add r0, r0, r3\n\t"                                                                                   \
        taps("r4", "r5", "r6")                                                                                 \
        "ldm r1!, {r8, r9, r10}\n\t"                                                                           \
        TC_FINISH_IN("r4") TC_FINISH_IN("r5") TC_FINISH_IN("r6") TC_FINISH_IN("r7")                            \
        "ldrd r11, r12, [r1], #-40\n\t"                                                                        \
        "subs lr, lr, #4\n\t"                                                                                  \
        "blt 3f\n\t"                                                                                           \
        "strb r4, [r2]\n\t"                                                                                    \
        "strb r5, [r2, r11]\n\t"                                                                               \
        "strb r6, [r2, r11, lsl #1]\n\t"                                                                       \
        "strb r7, [r2, r12]\n\t"                                                                               \
        "add r2, r2, r11, lsl #2\n\t"                                                                          \
        "sub r0, r0, r3, lsl #1\n\t"                                                                           \
        "add r0, r0, #" advance "\n\t"                                                                         \
        "bgt 2b\n\t"                                                                                           \
        "b 4f\n"                                                                                               \
        "3:\n\t"                                                                                               \
        "strb r4, [r2]\n\t"                                                                                    \
        "adds lr, lr, #2\n\t"                                                                                  \
        "blt 4f\n\t"                                                                                           \
        "strb r5, [r2, r11]\n\t"                                                                               \
        "beq 4f\n\t"                                                                                           \
        "strb r6, [r2, r11, lsl #1]\n"                                                                         \
        "4:\n\t"                                                                                               \
        "pop {r0, r2}\n\t"                                                                                     \
        "add r0, r0, " line_bytes "\n\t"                                                                       \
        "ldr r11, [sp]\n\t"                                                                                    \
        "add r2, r2, r11\n\t"                                                                                  \
        "ldr r11, [r1, #52]\n\t"                                                                               \
        "subs r11, r11, #1\n\t"                                                                                \
        "str r11, [r1, #52]\n\t"                                                                               \
        "bgt 1b\n\t"                                                                                           \
        "pop {r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}\n\t"); \
  }

#if defined(__clang__)
#define TC_NOIPA noinline
#else
#define TC_NOIPA noipa
#endif
TC_LINES(tc_lines3x3_stride1, TC_TAPS_STRIDE1, "8", "r3")
TC_LINES(tc_lines3x3_stride2, TC_TAPS_STRIDE2, "16", "r3, lsl #1")

TC_INLINE void tc_channel3x3(const tc_plane* plane, int32_t* k, const int8_t* weights, const int32_t* channel,
                             int8_t* out, int32_t size, int32_t lines, int32_t width, int32_t step_a, int32_t step_b,
                             int32_t stride, int32_t tap_a, int32_t rounding, int32_t shift, int32_t low,
                             int32_t high) {
  (void)low;
  (void)high;
  tc_pairs3x3(weights, k + kTcWeights, tap_a, 4 - tap_a);
  k[kTcBias] = channel[0];
  k[kTcMultiplier] = channel[1];
  k[kTcRounding] = rounding;
  k[kTcShift] = shift;
  k[kTcStep] = step_a;
  k[kTcStep3] = 3 * step_a;
  k[kTcSize] = size;
  k[kTcLines] = lines;
  k[kTcWidth] = width * 2;
  if (stride == 1)
    tc_lines3x3_stride1(plane, k, out, step_b);
  else
    tc_lines3x3_stride2(plane, k, out, step_b);
}

#endif

#endif
