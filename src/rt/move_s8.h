/* Movement of bytes: nothing here computes.
 *
 * tc_copy_s8: any overlap.
 *
 * tc_strided_copy_s8: `rows` runs of `bytes` bytes, in_stride and out_stride bytes apart: slices, splits, one operand
 * of a concatenation, a gather of neighbours. Overlap: out may start at in.
 *
 * tc_transpose_s8: out [d0][d1][d2][d3][d4] is contiguous; in is read at the sum of coordinate * stride. Fewer axes:
 * leading dimensions of 1. Negative strides turn an axis round, zero repeats; `in` is the first element read.
 *
 * tc_pad_s8: out [o0][o1][o2][o3] = in [i0][i1][i2][i3] moved by `before` on each axis (negative: cropped). mode 0
 * fills with `value`, 1 repeats the edge, 2 reflects without the edge, 3 wraps round.
 *
 * tc_upsample_nearest_s8: out pixel (y, x) = in pixel (rows[y], columns[x]), `count` channels each.
 *
 * tc_gather_s8: height * width runs of `bytes` bytes, run (y, x) from in + rows[y] + columns[x]; filled with `value`
 * where that sum is negative.
 *
 * tc_interleave_s8: rows * columns runs of `bytes` bytes, written row_stride and column_stride bytes apart.
 *
 * The last five: in and out do not overlap. No scratch.
 */
#ifndef TC_MOVE_S8_H
#define TC_MOVE_S8_H

#include "base.h"

TC_FN void tc_copy_s8(const int8_t* in, int8_t* out, int32_t size) {
  if (in != out) memmove(out, in, (size_t)size);
}

TC_FN void tc_strided_copy_s8(const int8_t* in, int8_t* out, int32_t rows, int32_t bytes, int32_t in_stride,
                              int32_t out_stride) {
  if (out_stride > in_stride) { /* rows that move apart: from the last to the first */
    for (int32_t row = rows - 1; row >= 0; --row) memmove(out + row * out_stride, in + row * in_stride, (size_t)bytes);
  } else {
    for (int32_t row = 0; row < rows; ++row) memmove(out + row * out_stride, in + row * in_stride, (size_t)bytes);
  }
}

TC_FN void tc_transpose_s8(const int8_t* in, int8_t* out, int32_t d0, int32_t d1, int32_t d2, int32_t d3, int32_t d4,
                           int32_t s0, int32_t s1, int32_t s2, int32_t s3, int32_t s4) {
  for (int32_t a = 0; a < d0; ++a)
    for (int32_t b = 0; b < d1; ++b)
      for (int32_t c = 0; c < d2; ++c)
        for (int32_t d = 0; d < d3; ++d) {
          int32_t at = a * s0 + b * s1 + c * s2 + d * s3;
          for (int32_t e = 0; e < d4; ++e) {
            *out++ = in[at];
            at += s4;
          }
        }
}

/* Where a coordinate of the padded tensor comes from; -1: nowhere. */
TC_INLINE int32_t tc_pad_source(int32_t at, int32_t before, int32_t size, int32_t mode) {
  int32_t from = at - before;
  if (from >= 0 && from < size) return from;
  if (mode == 0) return -1;
  if (mode == 1 || size == 1) return from < 0 ? 0 : size - 1;
  if (mode == 2) {
    while (from < 0 || from >= size) from = from < 0 ? -from : 2 * (size - 1) - from;
    return from;
  }
  while (from < 0) from += size;
  return from % size;
}

TC_FN void tc_pad_s8(const int8_t* in, int8_t* out, int32_t i0, int32_t i1, int32_t i2, int32_t i3, int32_t o0,
                     int32_t o1, int32_t o2, int32_t o3, int32_t before0, int32_t before1, int32_t before2,
                     int32_t before3, int32_t mode, int32_t value) {
  const int32_t first = before3 > 0 ? before3 : 0; /* out columns first..last-1 are copied */
  const int32_t last = o3 < before3 + i3 ? o3 : before3 + i3;
  for (int32_t a = 0; a < o0; ++a) {
    const int32_t from0 = tc_pad_source(a, before0, i0, mode);
    for (int32_t b = 0; b < o1; ++b) {
      const int32_t from1 = tc_pad_source(b, before1, i1, mode);
      for (int32_t c = 0; c < o2; ++c) {
        const int32_t from2 = tc_pad_source(c, before2, i2, mode);
        if (from0 < 0 || from1 < 0 || from2 < 0) {
          memset(out, (int)value, (size_t)o3);
        } else {
          const int8_t* row = in + ((from0 * i1 + from1) * i2 + from2) * i3;
          for (int32_t d = 0; d < o3; ++d) {
            if (d == first && first < last) {
              memcpy(out + first, row + (first - before3), (size_t)(last - first));
              d = last - 1;
              continue;
            }
            const int32_t from3 = tc_pad_source(d, before3, i3, mode);
            out[d] = from3 < 0 ? (int8_t)value : row[from3];
          }
        }
        out += o3;
      }
    }
  }
}

TC_FN void tc_upsample_nearest_s8(const int8_t* in, int8_t* out, const int32_t* rows, const int32_t* columns,
                                  int32_t in_w, int32_t count, int32_t out_h, int32_t out_w) {
  for (int32_t y = 0; y < out_h; ++y)
    for (int32_t x = 0; x < out_w; ++x) {
      memcpy(out, in + (rows[y] * in_w + columns[x]) * count, (size_t)count);
      out += count;
    }
}

TC_FN void tc_gather_s8(const int8_t* in, int8_t* out, const int32_t* rows, const int32_t* columns, int32_t height,
                        int32_t width, int32_t bytes, int32_t value) {
  for (int32_t y = 0; y < height; ++y)
    for (int32_t x = 0; x < width; ++x) {
      const int32_t from = rows[y] + columns[x];
      if (from < 0) {
        memset(out, (int)value, (size_t)bytes);
      } else {
        memcpy(out, in + from, (size_t)bytes);
      }
      out += bytes;
    }
}

TC_FN void tc_interleave_s8(const int8_t* in, int8_t* out, int32_t rows, int32_t columns, int32_t bytes,
                            int32_t row_stride, int32_t column_stride) {
  for (int32_t y = 0; y < rows; ++y)
    for (int32_t x = 0; x < columns; ++x) {
      memcpy(out + y * row_stride + x * column_stride, in, (size_t)bytes);
      in += bytes;
    }
}

#endif
