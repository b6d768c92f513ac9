/* A fully connected layer, one row, with weights as codebook_s8.h stores them: each index is looked up and multiplied,
 * nothing is decoded in front.
 *
 * The sum of a row is shifted left by `left` in the end, where the other kernels have that in their weights.
 * Weights: a stream of `length` bytes. A corrupt one gives some outputs, and harms nothing else.
 * Memory: no scratch. Overlap: none, `out` must not touch `in`.
 * Cost: instructions a weight on Cortex-M4: 5.3 (2 bits), 6.3 (4 bits), entries of 2, 4 and 8 levels 18, 12 and 9. To
 * decode rows in front takes a fifth more there, a third more on Cortex-M0+ and RISC-V. It does not with other widths,
 * and for several positions, where it is done.
 */
#ifndef TC_CODEBOOK_PRODUCT_S8_H
#define TC_CODEBOOK_PRODUCT_S8_H

#include "codebook_s8.h"

/* Entries of one level; whole bytes of indices, of 4 or 2 bits. */
TC_INLINE int32_t tc_sum_bytes(const uint8_t* at, const uint8_t* end, const int8_t* entries, const int8_t* x,
                               int32_t width) {
  const uint32_t mask = (1U << width) - 1U;
  int32_t sum = 0;
  for (; at != end; x += 8 / width) {
    const uint32_t byte = *at++;
    sum += entries[byte & mask] * x[0];
    if (width == 4) {
      sum += entries[byte >> 4] * x[1];
    } else {
      sum += entries[byte >> 2 & mask] * x[1];
      sum += entries[byte >> 4 & mask] * x[2];
      sum += entries[byte >> 6] * x[3];
    }
  }
  return sum;
}

TC_FN int32_t tc_sum_indices(const tc_codebook* book, const uint8_t* at, const int8_t* x) {
  const int8_t* const entries = book->entries;
  const int32_t width = book->width;
  const int32_t length = book->length;
  const int32_t step = book->step;
  const int32_t last = book->last;
  const int32_t next = step == 1 ? 0 : 1 - step * length;
  const uint32_t mask = (1U << width) - 1U;
  int32_t left = book->indices;
  int32_t sum = 0;
  uint32_t window = 0;
  int32_t count = 0;
  if (length == 1 && (width == 4 || width == 2)) {
    const int32_t bytes = left * width >> 3;
    sum = width == 4 ? tc_sum_bytes(at, at + bytes, entries, x, 4) : tc_sum_bytes(at, at + bytes, entries, x, 2);
    at += bytes;
    x += bytes * 8 / width;
    left -= bytes * 8 / width;
  }
  for (; left > 0; --left, x += next) {
    if (count < width) {
      window |= (uint32_t)*at++ << count;
      count += 8;
    }
    const int32_t index = (int32_t)(window & mask);
    window >>= width;
    count -= width;
    const int8_t* entry = entries + (index > last ? 0 : index) * length;
    const int8_t* const end = entry + length;
    do {
      sum += *entry++ * *x;
      x += step;
    } while (entry != end);
  }
  return sum;
}

TC_FN void tc_dense_codebook_s8(const int8_t* in, int8_t* out, const uint8_t* weights, const int32_t* channels,
                                int32_t length, int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift,
                                int32_t low, int32_t high, int32_t left) {
  tc_codebook book;
  (void)tc_codebook_open(weights, &book, length);
  for (; out_c > 0; --out_c, channels += 2) {
    const uint8_t* const at = tc_next_indices(&book, in_c);
    const int32_t sum = at == 0 ? 0 : tc_sum_indices(&book, at, in);
    const int32_t all = channels[0] + (int32_t)((uint32_t)sum << left);
    *out++ = (int8_t)tc_clamp(tc_requantize(all, channels[1], rounding, shift), low, high);
  }
}

#endif
