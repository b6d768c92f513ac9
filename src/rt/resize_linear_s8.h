/* Bilinear resize; input and output share scale and zero point.
 *
 * For each output row (column) the table holds three numbers {index0, index1, weight}: the value is in[index0] *
 * (2048 - weight) + in[index1] * weight, weight in 1/2048, computed offline for every coordinate convention. Rows and
 * columns multiply to weights in 1/2^22, which sum to one exactly, so that the zero point passes through; rounded once,
 * half up; |sum| < 2^30. A mean never leaves the grid, so there is no clamp.
 *
 * Memory: no scratch. Overlap: none. Cost: 4 loads and 6 multiplies a value.
 */
#ifndef TC_RESIZE_LINEAR_S8_H
#define TC_RESIZE_LINEAR_S8_H

#include "base.h"

TC_FN void tc_resize_linear_s8(const int8_t* in, int8_t* out, const int32_t* row_table, const int32_t* column_table,
                               int32_t in_w, int32_t count, int32_t out_h, int32_t out_w) {
  for (int32_t y = 0; y < out_h; ++y) {
    const int8_t* const above = in + row_table[3 * y] * in_w * count;
    const int8_t* const below = in + row_table[3 * y + 1] * in_w * count;
    const int32_t down = row_table[3 * y + 2];
    for (int32_t x = 0; x < out_w; ++x) {
      const int32_t left = column_table[3 * x] * count;
      const int32_t right = column_table[3 * x + 1] * count;
      const int32_t across = column_table[3 * x + 2];
      for (int32_t c = 0; c < count; ++c) {
        const int32_t top = above[left + c] * 2048 + (above[right + c] - above[left + c]) * across;
        const int32_t bottom = below[left + c] * 2048 + (below[right + c] - below[left + c]) * across;
        *out++ = (int8_t)((top * (2048 - down) + bottom * down + (1 << 21)) >> 22);
      }
    }
  }
}

#endif
