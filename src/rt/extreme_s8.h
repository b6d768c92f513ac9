/* The larger or the smaller of two tensors, and the smallest of each column. All share one grid.
 *
 * out = clamp(max(a, b), low, high), and min; tc_reduce_min_s8: out[c] = clamp(min over i of in[i][c], low, high) for
 * in [cells][count]. The largest of each column is tc_max_window_s8 of max_pool_s8.h.
 *
 * Memory: no scratch. Overlap: out may start at or below any operand.
 */
#ifndef TC_EXTREME_S8_H
#define TC_EXTREME_S8_H

#include "base.h"

TC_FN void tc_max_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t low, int32_t high) {
  for (int32_t i = 0; i < size; ++i) out[i] = (int8_t)tc_clamp(a[i] > b[i] ? a[i] : b[i], low, high);
}

TC_FN void tc_min_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t low, int32_t high) {
  for (int32_t i = 0; i < size; ++i) out[i] = (int8_t)tc_clamp(a[i] < b[i] ? a[i] : b[i], low, high);
}

TC_FN void tc_reduce_min_s8(const int8_t* in, int8_t* out, int32_t cells, int32_t count, int32_t low, int32_t high) {
  for (int32_t c = 0; c < count; ++c) {
    int32_t min = in[c];
    for (int32_t i = 1; i < cells; ++i) {
      const int32_t value = in[i * count + c];
      min = value < min ? value : min;
    }
    out[c] = (int8_t)tc_clamp(min, low, high);
  }
}

#endif
