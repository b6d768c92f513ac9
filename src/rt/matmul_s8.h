/* Product of two computed int8 matrices, or of many pairs of them: attention.
 *
 * out [batches][rows][columns] = requantize(sum over k of (a - zero_a) * (b - zero_b)), clamped to [low, high].
 * Elements of a and b are `*_batch`, `*_row`, `*_inner`, `*_column` bytes apart, so that a transposed operand, or one
 * head of many, is read where it is; 0 repeats an operand. out is written in rows `out_row` bytes and batches
 * `out_batch` bytes apart, columns side by side.
 *
 * Method: sum (a - za)(b - zb) = sum a' b' with both widened; two columns at a time, so that each a' is loaded once for
 * two products. |sum| <= inner * 255^2 < 2^31 for inner <= 33025 (checked offline), and out = (hi32(sum * multiplier) +
 * rounding) >> shift as everywhere (base.h). Cost: 5 instructions a multiply-accumulate on Thumb-2.
 * Overlap: none. No scratch.
 */
#ifndef TC_MATMUL_S8_H
#define TC_MATMUL_S8_H

#include "base.h"

TC_FN void tc_matmul_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t batches, int32_t rows, int32_t inner,
                        int32_t columns, int32_t a_batch, int32_t a_row, int32_t a_inner, int32_t b_batch,
                        int32_t b_inner, int32_t b_column, int32_t out_batch, int32_t out_row, int32_t zero_a,
                        int32_t zero_b, int32_t multiplier, int32_t rounding, int32_t shift, int32_t low,
                        int32_t high) {
  for (int32_t batch = 0; batch < batches; ++batch)
    for (int32_t row = 0; row < rows; ++row) {
      const int8_t* first = a + (batch * a_batch + row * a_row);
      int8_t* to = out + (batch * out_batch + row * out_row);
      for (int32_t column = 0; column < columns; column += 2) {
        const int8_t* from_a = first;
        const int8_t* left = b + (batch * b_batch + column * b_column);
        const int32_t next = column + 1 < columns ? b_column : 0; /* the last of an odd number twice */
        int32_t sum = 0;
        int32_t second = 0;
        for (int32_t k = 0; k < inner; ++k) {
          const int32_t value = *from_a - zero_a;
          sum += value * (left[0] - zero_b);
          second += value * (left[next] - zero_b);
          from_a += a_inner;
          left += b_inner;
        }
        to[column] = (int8_t)tc_clamp(tc_requantize(sum, multiplier, rounding, shift), low, high);
        if (next != 0) to[column + 1] = (int8_t)tc_clamp(tc_requantize(second, multiplier, rounding, shift), low, high);
      }
    }
}

#endif
