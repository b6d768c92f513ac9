/* Product of two float matrices, or of many pairs of them.
 *
 * out [batches][rows][columns] = alpha * a * b + beta * bias, contiguous; `scale` is {alpha, beta}. Elements of a and b
 * are `*_batch`, `*_row`, `*_inner`, `*_column` floats apart, so that transposed operands are read where they are. bias
 * (null: none) is read at row * bias_row + column * bias_column. limits {low, high} of the result. A sum runs over the
 * inner index from 0. out must not overlap. No scratch.
 */
#ifndef TC_MATMUL_F32_H
#define TC_MATMUL_F32_H

#include "base_f32.h"

TC_FN void tc_matmul_f32(const float* a, const float* b, float* out, const float* bias, const float* scale,
                         const float* limits, int32_t batches, int32_t rows, int32_t inner, int32_t columns,
                         int32_t a_batch, int32_t a_row, int32_t a_inner, int32_t b_batch, int32_t b_inner,
                         int32_t b_column, int32_t bias_row, int32_t bias_column) {
  for (int32_t batch = 0; batch < batches; ++batch)
    for (int32_t row = 0; row < rows; ++row)
      for (int32_t column = 0; column < columns; ++column) {
        const float* from_a = a + (batch * a_batch + row * a_row);
        const float* from_b = b + (batch * b_batch + column * b_column);
        float sum = 0.0F;
        for (int32_t k = 0; k < inner; ++k) sum += tc_product_f32(from_a[k * a_inner], from_b[k * b_inner]);
        sum = tc_product_f32(sum, scale[0]);
        if (bias) sum += tc_product_f32(scale[1], bias[row * bias_row + column * bias_column]);
        *out++ = tc_limit_f32(sum, limits[0], limits[1]);
      }
}

#endif
