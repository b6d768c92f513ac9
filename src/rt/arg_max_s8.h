/* Index of the largest (smallest) value of each row; of equal values the first, or the last where `last` is not 0.
 *
 * Memory: no scratch. Overlap: none.
 */
#ifndef TC_ARG_MAX_S8_H
#define TC_ARG_MAX_S8_H

#include "base.h"

TC_FN void tc_arg_max_s8(const int8_t* in, int32_t* out, int32_t rows, int32_t count, int32_t last) {
  const int32_t bonus = last ? 1 : 0;
  for (int32_t row = 0; row < rows; ++row) {
    int32_t best = 0;
    for (int32_t i = 1; i < count; ++i)
      if (in[i] + bonus > in[best]) best = i;
    out[row] = best;
    in += count;
  }
}

TC_FN void tc_arg_min_s8(const int8_t* in, int32_t* out, int32_t rows, int32_t count, int32_t last) {
  const int32_t bonus = last ? 1 : 0;
  for (int32_t row = 0; row < rows; ++row) {
    int32_t best = 0;
    for (int32_t i = 1; i < count; ++i)
      if (in[i] - bonus < in[best]) best = i;
    out[row] = best;
    in += count;
  }
}

#endif
