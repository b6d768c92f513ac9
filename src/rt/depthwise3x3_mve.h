/* The MVE path of depthwise3x3_s8.h, which says what it does and why. */
#ifndef TC_DEPTHWISE3X3_MVE_H
#define TC_DEPTHWISE3X3_MVE_H

#include "base.h"
#include "clamp_s8.h"

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

/* From four sums in r4, r6, r8, r10 (even, as the instruction wants) to four bytes in memory, where mask has the lane's
 * bits. */
#define TC_FINISH_FOUR                         \
  "vmov %q[acc][2], %q[acc][0], r4, r8\n\t"    \
  "vmov %q[acc][3], %q[acc][1], r6, r10\n\t"   \
  "vadd.i32 %q[acc], %q[acc], %[bias]\n\t"     \
  "vmulh.s32 %q[acc], %q[acc], %q[m]\n\t"      \
  "vadd.i32 %q[acc], %q[acc], %[rounding]\n\t" \
  "vshl.s32 %q[acc], %[shift]\n\t"             \
  "vqmovnb.s32 %q[acc], %q[acc]\n\t"           \
  "vqmovnb.s16 %q[acc], %q[acc]\n\t"           \
  "vmsr p0, %[mask]\n\t"                       \
  "vpst\n\t"                                   \
  "vstrbt.32 %q[acc], [%[out], %q[to]]\n\t"

/* Stride 1: a patch gives two outputs of this line and two of the next. */
#define TC_PATCH1                                                                                         \
  __asm__ volatile(                                                                                       \
      "vldrb.u8 %q[acc], [%[x]], #8\n\t"                                                                  \
      "vmladav.s8 r4, %q[acc], %q[w0]\n\t"                                                                \
      "vmladav.s8 r6, %q[acc], %q[w1]\n\t"                                                                \
      "vmladav.s8 r8, %q[acc], %q[w2]\n\t"                                                                \
      "vmladav.s8 r10, %q[acc], %q[w3]\n\t" TC_FINISH_FOUR                                                \
      : [x] "+r"(x), [acc] "=&w"(acc)                                                                     \
      : [w0] "w"(w0), [w1] "w"(w1), [w2] "w"(w2), [w3] "w"(w3), [m] "w"(m), [to] "w"(to), [out] "r"(out), \
        [bias] "r"(bias), [rounding] "r"(rounding), [shift] "r"(-shift), [mask] "r"(mask)                 \
      : "r4", "r6", "r8", "r10", "p0", "memory")

/* w: the weights between zero bytes, which shifts them in the patch. */
TC_INLINE void tc_patches1(const int8_t* x, const int8_t* w, int8_t* out, int32_t size, uint32_t mask, int32_t step,
                           uint32x4_t to, int32_t bias, int32x4_t m, int32_t rounding, int32_t shift) {
  const int8x16_t w0 = vldrbq_s8(w);
  const int8x16_t w1 = vldrbq_s8(w - 4);
  const int8x16_t w2 = vldrbq_s8(w - 1);
  const int8x16_t w3 = vldrbq_s8(w - 5);
  int32x4_t acc;
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
    __asm__ volatile(
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 r4, %q[acc], %q[w0]\n\t"
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 r6, %q[acc], %q[w0]\n\t"
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 r8, %q[acc], %q[w0]\n\t"
        "vldrb.u8 %q[acc], [%[x]], #8\n\t"
        "vmladav.s8 r10, %q[acc], %q[w0]\n\t" TC_FINISH_FOUR
        : [x] "+r"(x), [acc] "=&w"(acc)
        : [w0] "w"(w0), [m] "w"(m), [to] "w"(to), [out] "r"(out), [bias] "r"(bias), [rounding] "r"(rounding),
          [shift] "r"(-shift), [mask] "r"(mask)
        : "r4", "r6", "r8", "r10", "p0", "memory");
    out += 4 * step;
  }
}

TC_FN void tc_depthwise3x3_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                              const int32_t* channels, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                              int32_t out_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                              int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  static const uint8_t kOrder[2][16] = {{0, 3, 6, 9, 1, 4, 7, 9, 2, 5, 8, 9, 9, 9, 9, 9},
                                        {0, 1, 2, 9, 3, 4, 5, 9, 6, 7, 8, 9, 9, 9, 9, 9}};
  const int tall = out_h > out_w && in_w * count < 8192; /* offsets of a gather have 16 bits */
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

#endif

#endif
