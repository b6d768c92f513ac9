/* Products with sparse weights as relative_s8.h stores them: only what is not 0 is multiplied, and nothing is decoded
 * in front.
 *
 * Method. Four pixels at a time: their inputs, or windows, are put into scratch as words, one of four pixels' bytes for
 * each input. Then every output channel walks through its entries, and each is one level times four bytes. Inputs are
 * counted from their end, so that the sign of a place tells whether it lies in this row. One pixel alone is read where
 * it is. The stream is walked once for each block of pixels. Sums are shifted left by `left` in the end, where the
 * other kernels have it in their weights; so the same channels apply and the same bytes come out.
 *
 * Weights: a stream of `length` bytes. A corrupt one gives some outputs, and harms nothing else.
 * Memory: scratch of 4 * K bytes of K inputs (a convolution: 8 * K); one pixel takes none.
 * Overlap: as pointwise_s8.h and conv_s8.h have it; dense none.
 *
 * Cost: instructions an entry on Cortex-M4 and M3 11 for one pixel, 19 for four; on Cortex-M0+ 17 and 38, on RISC-V 13
 * and 23. Dense kernels take, a weight, on Cortex-M4 1.3 and 3.5, M3 2.7 and 7.3, M0+ 6.2 and 14, RISC-V 3.7 and 11:
 * so this is faster where less than a tenth, or a sixth, of the weights is left on Cortex-M4, and less than a quarter
 * or a third on the others. Vectors (MVE) are faster where more than a fiftieth is.
 */
#ifndef TC_RELATIVE_PRODUCT_S8_H
#define TC_RELATIVE_PRODUCT_S8_H

#include "conv_s8.h"
#include "relative_s8.h"

TC_INLINE int8_t tc_finish_sparse(int32_t sum, int32_t bias, int32_t multiplier, int32_t rounding, int32_t shift,
                                  int32_t low, int32_t high, int32_t left) {
  const int32_t all = bias + (int32_t)((uint32_t)sum << left);
  return (int8_t)tc_clamp(tc_requantize(all, multiplier, rounding, shift), low, high);
}

/* Up to the end of the row; `in_end` is behind the inputs. */
TC_INLINE int32_t tc_sum_entries(tc_entries* entries, const int8_t* in_end, int32_t pairs) {
  int32_t sum = 0;
  while (entries->place < 0) {
    sum += entries->level * in_end[entries->place++];
    tc_next_entry(entries, 1, pairs, 0);
  }
  return sum;
}

TC_FN void tc_dense_relative_s8(const int8_t* in, int8_t* out, const uint8_t* weights, const int32_t* channels,
                                int32_t length, int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift,
                                int32_t low, int32_t high, int32_t left) {
  tc_relative start;
  (void)tc_relative_open(weights, &start, length);
  tc_entries entries = start.entries;
  for (; out_c > 0; --out_c, channels += 2) {
    entries.place -= in_c;
    const int32_t sum = entries.bits == TC_PAIR_ENTRIES ? tc_sum_entries(&entries, in + in_c, 1)
                                                        : tc_sum_entries(&entries, in + in_c, 0);
    *out++ = tc_finish_sparse(sum, channels[0], channels[1], rounding, shift, low, high, left);
  }
}

typedef struct {
  int32_t a, b, c, d;
} tc_four_sums;

/* The same for four pixels. */
TC_INLINE tc_four_sums tc_sum_words(tc_entries* entries, const int8_t* staged_end, int32_t pairs) {
  tc_four_sums sums = {0, 0, 0, 0};
  while (entries->place < 0) {
    const int8_t* const x = staged_end + entries->place;
    sums.a += entries->level * x[0];
    sums.b += entries->level * x[1];
    sums.c += entries->level * x[2];
    sums.d += entries->level * x[3];
    entries->place += 4;
    tc_next_entry(entries, 4, pairs, 0);
  }
  return sums;
}

/* All channels of up to four pixels, whose inputs are words at `staged`. */
TC_NOINLINE void tc_relative_block(const tc_relative* start, const int8_t* staged, int32_t inputs, int8_t* out,
                                   int32_t pixels, const int32_t* channels, int32_t out_c, int32_t rounding,
                                   int32_t shift, int32_t low, int32_t high, int32_t left) {
  tc_entries entries = start->entries;
  entries.place *= 4;
  staged += 4 * inputs;
  for (int32_t o = 0; o < out_c; ++o, channels += 2) {
    const int32_t bias = channels[0];
    const int32_t multiplier = channels[1];
    entries.place -= 4 * inputs;
    const tc_four_sums sums =
        entries.bits == TC_PAIR_ENTRIES ? tc_sum_words(&entries, staged, 1) : tc_sum_words(&entries, staged, 0);
    int8_t* to = out++;
    *to = tc_finish_sparse(sums.a, bias, multiplier, rounding, shift, low, high, left);
    if (pixels > 1) *(to += out_c) = tc_finish_sparse(sums.b, bias, multiplier, rounding, shift, low, high, left);
    if (pixels > 2) *(to += out_c) = tc_finish_sparse(sums.c, bias, multiplier, rounding, shift, low, high, left);
    if (pixels > 3) *(to += out_c) = tc_finish_sparse(sums.d, bias, multiplier, rounding, shift, low, high, left);
  }
}

/* The inputs of four pixels as words. */
TC_FN void tc_stage_words(int8_t* to, const int8_t* a, const int8_t* b, const int8_t* c, const int8_t* d,
                          int32_t inputs) {
  for (const int8_t* const end = a + inputs; a != end; to += 4) {
    to[0] = *a++;
    to[1] = *b++;
    to[2] = *c++;
    to[3] = *d++;
  }
}

TC_FN void tc_pointwise_relative_s8(const int8_t* in, int8_t* out, void* scratch, const uint8_t* weights,
                                    const int32_t* channels, int32_t length, int32_t pixels, int32_t in_c,
                                    int32_t out_c, int32_t rounding, int32_t shift, int32_t low, int32_t high,
                                    int32_t left) {
  int8_t* const staged = (int8_t*)scratch;
  tc_relative start;
  (void)tc_relative_open(weights, &start, length);
  for (; pixels > 0; pixels -= 4, in += 4 * in_c, out += 4 * out_c) {
    const int8_t* const second = pixels > 1 ? in + in_c : in;
    const int8_t* const third = pixels > 2 ? second + in_c : in;
    const int8_t* const fourth = pixels > 3 ? third + in_c : in;
    tc_stage_words(staged, in, second, third, fourth, in_c);
    tc_relative_block(&start, staged, in_c, out, pixels, channels, out_c, rounding, shift, low, high, left);
  }
}

/* One group of channels. */
TC_FN void tc_conv_relative_s8(const int8_t* in, int8_t* out, void* scratch, const uint8_t* weights,
                               const int32_t* channels, int32_t length, int32_t in_h, int32_t in_w, int32_t in_c,
                               int32_t out_h, int32_t out_w, int32_t out_c, int32_t kernel_h, int32_t kernel_w,
                               int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                               int32_t dilation_h, int32_t dilation_w, int32_t in_zero, int32_t rounding, int32_t shift,
                               int32_t low, int32_t high, int32_t left) {
  const int32_t inputs = kernel_h * kernel_w * in_c;
  int8_t* const staged = (int8_t*)scratch;
  int8_t* const windows = staged + 4 * inputs;
  int32_t out_y = 0;
  int32_t out_x = 0;
  tc_relative start;
  (void)tc_relative_open(weights, &start, length);
  for (int32_t pixels = out_h * out_w; pixels > 0; pixels -= 4, out += 4 * out_c) {
    for (int32_t p = 0; p < 4 && p < pixels; ++p) {
      tc_gather_window(in, windows + p * inputs, in_h, in_w, in_c, out_y * stride_h - pad_top,
                       out_x * stride_w - pad_left, kernel_h, kernel_w, dilation_h, dilation_w, in_c, in_zero);
      if (++out_x == out_w) {
        out_x = 0;
        out_y++;
      }
    }
    tc_stage_words(staged, windows, windows + (pixels > 1 ? inputs : 0), windows + (pixels > 2 ? 2 * inputs : 0),
                   windows + (pixels > 3 ? 3 * inputs : 0), inputs);
    tc_relative_block(&start, staged, inputs, out, pixels, channels, out_c, rounding, shift, low, high, left);
  }
}

#endif
