/* Depthwise convolution with a 3x3 kernel, stride 1 or 2 (the same on both axes), any padding of 0 or 1.
 *
 * The function is tc_depthwise_s8's; here each channel is a plane that suits the instructions of the core, and its
 * outputs come four at a time, so that a loaded element or weight serves several of them. Axis a is the one that the
 * four run along, b the other: of height and width the one is a that wastes less, as nothing in a plane of its own
 * knows rows from columns but the steps in memory and the order of the nine weights. portable, DSP  lines of the padded
 * plane (depthwise_plane.h). DSP takes two taps per multiply: for even outputs (x0 x1)(w0 w1) + x2 w2, for odd ones x1
 * w0 + (x2 x3)(w1 w2), so that every word is aligned. MVE            blocks of four lines, interleaved: an element is
 * the byte 4 * a + b of a block, and blocks start two lines apart. 16 bytes in a row are then a patch of 4x4 elements.
 * With stride 1 the patch holds four outputs, each one multiply-and-sum over all lanes with the weights shifted; with
 * stride 2 one.
 *
 * weights: [count][12], nine and three zeros. channels: {bias, multiplier}. |bias| < 2^30. count < 8192.
 * Memory: scratch of 64 + 2 * (s * (out_h + 3) + 2) * (s * (out_w + 3) + 2) bytes, s the stride.
 * Overlap: out may start at in (whatever the shapes), or not overlap.
 */
#ifndef TC_DEPTHWISE3X3_S8_H
#define TC_DEPTHWISE3X3_S8_H

#include "base.h"
#include "depthwise_plane.h"

#ifdef TC_MVE

/* Copies `columns` elements, `step` bytes apart, to every fourth byte of both places. */
TC_INLINE void tc_interleave(const int8_t* in, int8_t* to0, int8_t* to1, int32_t columns, int32_t step, uint16x8_t from,
                             uint16x8_t to) {
  int16x8_t x;
  __asm__ volatile(
      "dlstp.16 lr, %[columns]\n"
      "1:\n\t"
      "vldrb.u16 %q[x], [%[in], %q[from]]\n\t"
      "vstrb.16 %q[x], [%[to0], %q[to]]\n\t"
      "vstrb.16 %q[x], [%[to1], %q[to]]\n\t"
      "add %[in], %[in], %[step]\n\t"
      "add %[to0], %[to0], #32\n\t"
      "add %[to1], %[to1], #32\n\t"
      "letp lr, 1b\n\t"
      : [x] "=&w"(x), [in] "+r"(in), [to0] "+r"(to0), [to1] "+r"(to1)
      : [columns] "r"(columns), [step] "r"(8 * step), [from] "w"(from), [to] "w"(to)
      : "lr", "memory");
}

/* From four sums in general registers to four bytes in memory, where mask has the lane's bits. */
#define TC_FINISH_FOUR                          \
  "vmov %q[acc][2], %q[acc][0], %[a], %[c]\n\t" \
  "vmov %q[acc][3], %q[acc][1], %[b], %[d]\n\t" \
  "vadd.i32 %q[acc], %q[acc], %[bias]\n\t"      \
  "vmulh.s32 %q[acc], %q[acc], %q[m]\n\t"       \
  "vadd.i32 %q[acc], %q[acc], %[rounding]\n\t"  \
  "vshl.s32 %q[acc], %[shift]\n\t"              \
  "vqmovnb.s32 %q[acc], %q[acc]\n\t"            \
  "vqmovnb.s16 %q[acc], %q[acc]\n\t"            \
  "vmsr p0, %[mask]\n\t"                        \
  "vpst\n\t"                                    \
  "vstrbt.32 %q[acc], [%[out], %q[to]]\n\t"

/* Stride 1: a patch gives two outputs of this line and two of the next. */
#define TC_PATCH1                                                                                         \
  __asm__ volatile(                                                                                       \
      "vldrb.u8 %q[acc], [%[x]], #8\n\t"                                                                  \
      "vmladav.s8 %[a], %q[acc], %q[w0]\n\t"                                                              \
      "vmladav.s8 %[b], %q[acc], %q[w1]\n\t"                                                              \
      "vmladav.s8 %[c], %q[acc], %q[w2]\n\t"                                                              \
      "vmladav.s8 %[d], %q[acc], %q[w3]\n\t" TC_FINISH_FOUR                                               \
      : [x] "+r"(x), [acc] "=&w"(acc), [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d)         \
      : [w0] "w"(w0), [w1] "w"(w1), [w2] "w"(w2), [w3] "w"(w3), [m] "w"(m), [to] "w"(to), [out] "r"(out), \
        [bias] "r"(bias), [rounding] "r"(rounding), [shift] "r"(-shift), [mask] "r"(mask)                 \
      : "p0", "memory")

/* w: the weights between zero bytes, which shifts them in the patch. */
TC_INLINE void tc_patches1(const int8_t* x, const int8_t* w, int8_t* out, int32_t size, uint32_t mask, int32_t step,
                           uint32x4_t to, int32_t bias, int32x4_t m, int32_t rounding, int32_t shift) {
  const int8x16_t w0 = vldrbq_s8(w);
  const int8x16_t w1 = vldrbq_s8(w - 4);
  const int8x16_t w2 = vldrbq_s8(w - 1);
  const int8x16_t w3 = vldrbq_s8(w - 5);
  int32x4_t acc;
  int32_t a, b, c, d;
  for (int32_t pairs = size >> 1; pairs > 0; --pairs) {
    TC_PATCH1;
    out += 2 * step;
  }
  mask &= 0x0F0F;
  if (size & 1) TC_PATCH1;
}

/* Stride 2: a patch gives one output. */
TC_INLINE void tc_patches2(const int8_t* x, const int8_t* w, int8_t* out, int32_t size, int32_t step, uint32x4_t to,
                           int32_t bias, int32x4_t m, int32_t rounding, int32_t shift) {
  const int8x16_t w0 = vldrbq_s8(w);
  for (; size > 0; size -= 4) {
    const uint32_t mask = vctp32q((uint32_t)size);
    int32x4_t acc;
    int32_t a, b, c, d;
    __asm__ volatile(
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 %[a], %q[acc], %q[w0]\n\t"
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 %[b], %q[acc], %q[w0]\n\t"
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 %[c], %q[acc], %q[w0]\n\t"
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 %[d], %q[acc], %q[w0]\n\t" TC_FINISH_FOUR
        : [x] "+r"(x), [acc] "=&w"(acc), [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d)
        : [w0] "w"(w0), [m] "w"(m), [to] "w"(to), [out] "r"(out), [bias] "r"(bias), [rounding] "r"(rounding),
          [shift] "r"(-shift), [mask] "r"(mask)
        : "p0", "memory");
    out += 4 * step;
  }
}

TC_FN void tc_depthwise3x3_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                              const int32_t* channels, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                              int32_t out_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                              int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  static const uint8_t kOrder[2][16] = {{0, 3, 6, 9, 1, 4, 7, 9, 2, 5, 8, 9, 9, 9, 9, 9},
                                        {0, 1, 2, 9, 3, 4, 5, 9, 6, 7, 8, 9, 9, 9, 9, 9}};
  const int tall = out_h > out_w;
  const int32_t in_a = tall ? in_h : in_w, in_b = tall ? in_w : in_h;
  const int32_t pad_a = tall ? pad_top : pad_left, pad_b = tall ? pad_left : pad_top;
  const int32_t out_a = tall ? out_h : out_w, out_b = tall ? out_w : out_h;
  const int32_t in_step = tall ? in_w * count : count, in_line = tall ? count : in_w * count;
  const int32_t out_step = tall ? out_w * count : count, out_line = tall ? count : out_w * count;
  const int32_t block = stride_h == 1 ? 8 * ((out_a + 1) >> 1) + 8 : 32 * ((out_a + 3) >> 2) + 8; /* bytes */
  const int32_t blocks = stride_h == 1 ? (out_b + 1) >> 1 : out_b;
  const int32_t columns = in_a < (block >> 2) - pad_a ? in_a : (block >> 2) - pad_a;
  const int32_t lines = in_b < 2 * blocks + 2 - pad_b ? in_b : 2 * blocks + 2 - pad_b;
  int8_t* const w = (int8_t*)scratch + 16;
  int8_t* const plane = (int8_t*)scratch + 64;
  const uint8x16_t order = vldrbq_u8(kOrder[tall]);
  const uint16x8_t from = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)in_step);
  const uint16x8_t four = vidupq_n_u16(0, 4);
  const uint32x4_t lane = vidupq_n_u32(0, 1);
  const uint32x4_t to2 = vmulq_n_u32(lane, (uint32_t)out_step);
  const uint32x4_t to1 = vaddq_u32(vmulq_n_u32(vandq_u32(lane, vdupq_n_u32(1)), (uint32_t)out_step),
                                   vmulq_n_u32(vshrq_n_u32(lane, 1), (uint32_t)out_line));
  (void)stride_w;
  memset(scratch, 0, 64);
  memset(plane, (int)in_zero, (size_t)(block * blocks));
  for (int32_t c = 0; c < count; ++c) {
    const int32_t bias = channels[2 * c];
    const int32x4_t m = vdupq_n_s32(channels[2 * c + 1]);
    vstrbq_s8(w, vldrbq_gather_offset_s8(weights + 12 * c, order));
    for (int32_t b = 0; b < lines; ++b) {
      const int32_t at = b + pad_b;
      int8_t* const first = plane + (at >> 1) * block + (at & 1) + 4 * pad_a;
      int8_t* const second = first - block + 2;
      tc_interleave(in + c + b * in_line, at >> 1 < blocks ? first : second, at > 1 ? second : first, columns, in_step,
                    from, four);
    }
    int8_t* to = out + c;
    for (int32_t k = 0; k < blocks; ++k) {
      if (stride_h == 1) {
        tc_patches1(plane + k * block, w, to, out_a, 2 * k + 1 < out_b ? 0xFFFF : 0x00FF, out_step, to1, bias, m,
                    rounding, shift);
        to += 2 * out_line;
      } else {
        tc_patches2(plane + k * block, w, to, out_a, out_step, to2, bias, m, rounding, shift);
        to += out_line;
      }
    }
  }
  tc_clamp_rest(out, out_h * out_w * count, low, high);
}

#else

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

#else

/* Three taps of four outputs. */
#define TC_TAPS(x, w0, w1, w2)    \
  acc0 += x[0] * w0;              \
  acc0 += x[1] * w1;              \
  acc1 += x[stride] * w0;         \
  acc0 += x[2] * w2;              \
  acc1 += x[stride + 1] * w1;     \
  acc2 += x[2 * stride] * w0;     \
  acc1 += x[stride + 2] * w2;     \
  acc2 += x[2 * stride + 1] * w1; \
  acc3 += x[3 * stride] * w0;     \
  acc2 += x[2 * stride + 2] * w2; \
  acc3 += x[3 * stride + 1] * w1; \
  acc3 += x[3 * stride + 2] * w2

/* One channel, four outputs at a time. The last of a line may be fewer: the others then go where a right one is
 * written after them. */
TC_INLINE void tc_lines3x3(const tc_plane* plane, const int8_t* w, const int32_t* channel, int8_t* out, int32_t size,
                           int32_t lines, int32_t width, int32_t step_a, int32_t step_b, int32_t stride, int32_t tap_a,
                           int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t tap_b = 4 - tap_a;
  const int32_t w0 = w[0], w1 = w[tap_a], w2 = w[2 * tap_a];
  const int32_t w3 = w[tap_b], w4 = w[4], w5 = w[tap_b + 2 * tap_a];
  const int32_t w6 = w[2 * tap_b], w7 = w[2 * tap_b + tap_a], w8 = w[8];
  const int32_t bias = channel[0] - TC_PLANE_OFFSET * (w0 + w1 + w2 + w3 + w4 + w5 + w6 + w7 + w8);
  const int32_t multiplier = channel[1];
  for (; lines > 0; --lines) {
    const tc_plane* x = plane;
    int8_t* to = out;
    int32_t step1 = step_a;
    int32_t step2 = 2 * step_a;
    int32_t step3 = 3 * step_a;
    for (int32_t left = size; left > 0; left -= 4) {
      const tc_plane* const y = x + width;
      const tc_plane* const z = y + width;
      int32_t acc0 = bias;
      int32_t acc1 = bias;
      int32_t acc2 = bias;
      int32_t acc3 = bias;
      TC_TAPS(x, w0, w1, w2);
      TC_TAPS(y, w3, w4, w5);
      TC_TAPS(z, w6, w7, w8);
      if (left < 4) {
        step1 = left > 1 ? step_a : 0;
        step2 = left > 2 ? 2 * step_a : step1;
        step3 = step2;
      }
      to[step3] = (int8_t)tc_clamp_s8(tc_requantize(acc3, multiplier, rounding, shift), low, high);
      to[step2] = (int8_t)tc_clamp_s8(tc_requantize(acc2, multiplier, rounding, shift), low, high);
      to[step1] = (int8_t)tc_clamp_s8(tc_requantize(acc1, multiplier, rounding, shift), low, high);
      to[0] = (int8_t)tc_clamp_s8(tc_requantize(acc0, multiplier, rounding, shift), low, high);
      x += 4 * stride;
      to += 4 * step_a;
    }
    plane += stride * width;
    out += step_b;
  }
}

TC_NOINLINE void tc_channel3x3(const tc_plane* plane, int32_t* k, const int8_t* weights, const int32_t* channel,
                               int8_t* out, int32_t size, int32_t lines, int32_t width, int32_t step_a, int32_t step_b,
                               int32_t stride, int32_t tap_a, int32_t rounding, int32_t shift, int32_t low,
                               int32_t high) {
  (void)k;
  if (stride == 1)
    tc_lines3x3(plane, weights, channel, out, size, lines, width, step_a, step_b, 1, tap_a, rounding, shift, low, high);
  else
    tc_lines3x3(plane, weights, channel, out, size, lines, width, step_a, step_b, 2, tap_a, rounding, shift, low, high);
}
#endif

TC_FN void tc_depthwise3x3_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                              const int32_t* channels, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                              int32_t out_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                              int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int tall = ((out_h + 3) >> 2) * out_w < ((out_w + 3) >> 2) * out_h;
  const int32_t in_a = tall ? in_h : in_w, in_b = tall ? in_w : in_h;
  const int32_t pad_a = tall ? pad_top : pad_left, pad_b = tall ? pad_left : pad_top;
  const int32_t out_a = tall ? out_h : out_w, out_b = tall ? out_w : out_h;
  const int32_t in_step = tall ? in_w * count : count, in_line = tall ? count : in_w * count;
  const int32_t out_step = tall ? out_w * count : count, out_line = tall ? count : out_w * count;
  const int32_t width = 4 * stride_h * ((out_a + 3) >> 2) + 2;
  const int32_t height = (out_b - 1) * stride_h + 3;
  const int32_t columns = in_a < width - pad_a ? in_a : width - pad_a;
  const int32_t rows = in_b < height - pad_b ? in_b : height - pad_b;
  int32_t* const k = (int32_t*)scratch;
  tc_plane* const plane = (tc_plane*)(k + 16);
  (void)stride_w;
  tc_plane_fill(plane, height * width, in_zero);
  for (int32_t c = 0; c < count; ++c) {
    tc_plane_load(in + c, plane + pad_b * width + pad_a, rows, columns, in_line, in_step, width);
    tc_channel3x3(plane, k, weights + 12 * c, channels + 2 * c, out + c, out_a, out_b, width, out_step, out_line,
                  stride_h, tall ? 3 : 1, rounding, shift, low, high);
  }
  tc_clamp_rest(out, out_h * out_w * count, low, high);
}

#endif

#endif
