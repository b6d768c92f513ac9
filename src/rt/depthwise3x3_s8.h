/* Depthwise convolution with a 3x3 kernel, stride 1 or 2 (the same on both axes), any padding.
 *
 * What is computed is tc_depthwise_s8's. Here each channel is a plane that suits the instructions of the core, and its
 * outputs come four at a time, so that a loaded element or weight serves several of them. Axis a is the one along which
 * the four lie, b the other. Of height and width, a is the one that wastes less: nothing in a channel's own plane knows
 * rows from columns but the steps in memory and the order of the nine weights.
 *
 * - Portable and DSP: lines of the padded plane (depthwise_plane.h). DSP takes two taps per multiply: for even outputs
 *   (x0 x1)(w0 w1) + x2 w2, for odd ones x1 w0 + (x2 x3)(w1 w2), so that every word is aligned.
 * - MVE: blocks of four lines, interleaved. An element is the byte 4 * a + b of its block, and blocks start two lines
 *   apart, so that 16 bytes in a row are a patch of 4x4 elements. With stride 1 the patch holds four outputs, each one
 *   multiply-and-sum over all lanes with the weights shifted in the patch; with stride 2 it holds one.
 *
 * weights: [count][12], nine and three zeros. channels: {bias, multiplier}. |bias| < 2^30. count < 8192.
 * Memory: scratch of 64 + 2 * (s * (out_h + 3) + 2) * (s * (out_w + 3) + 2) bytes, s the stride.
 * Overlap: out may start at in (whatever the shapes), or not overlap.
 * Cost in instructions a multiplication, 25x5x64 and 48x48x8, stride 1: Cortex-M4 2.3 and 2.0, Cortex-M55 1.0 and 0.7,
 * Cortex-M3 4.4 and 3.8, Cortex-M0+ 10.7 and 9.3, rv32imac 6.1 and 5.4.
 */
#ifndef TC_DEPTHWISE3X3_S8_H
#define TC_DEPTHWISE3X3_S8_H

#include "base.h"
#include "depthwise3x3_dsp.h"
#include "depthwise3x3_mve.h"
#include "depthwise_plane.h"

#ifndef TC_MVE

#ifndef TC_DSP

/* Three taps of four outputs. */
#define TC_TAPS3X3(x, w0, w1, w2) \
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
      TC_TAPS3X3(x, w0, w1, w2);
      TC_TAPS3X3(y, w3, w4, w5);
      TC_TAPS3X3(z, w6, w7, w8);
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
