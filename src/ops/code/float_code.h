// Kernel calls for nodes that stay in float. Each op's code function comes here when its data are not all on 8-bit
// grids; operands and results that are on one are converted at the border by the builder.
#pragma once

#include "tinyc/ops/code.h"

namespace tinyc {

// Whether operands 0 .. count - 1 and the result are all on 8-bit grids.
bool all_integer(const CodeContext& context, int count);

// Which element of a value is where: by axis, how many elements two neighbours are apart in that order.
Dims strides_of(std::span<const int64_t> dims, const Order& order);
// Axes and their strides for an operand that is broadcast to `rank` axes: ones in front; 0 where it is repeated.
Dims broadcast_strides(const Dims& dims, const Order& order, size_t rank);
// The order of an operand whose leading `dropped` axes are missing.
Order order_without(const Order& order, size_t dropped);

// The limits that a float result has: none.
CallArg no_limits(CodeContext& context);
CallArg float_data(CodeContext& context, std::string_view role, std::vector<float> values);

// float_map.cpp: a function of operand 0, by the op's name; refuses those that have no float kernel.
void code_map_f32(CodeContext& context);
// Functions of two operands, numbered as in src/rt/binary_f32.h; of more operands one after the other.
void code_binary_f32(CodeContext& context, int32_t function);
void code_prelu_f32(CodeContext& context);
// float_product.cpp
void code_conv_f32(CodeContext& context);
void code_gemm_f32(CodeContext& context);
void code_matmul_f32(CodeContext& context);
// float_rows.cpp
void code_pool_f32(CodeContext& context, int32_t average);
void code_global_pool_f32(CodeContext& context, int32_t function);
void code_reduce_f32(CodeContext& context, int32_t function);
void code_softmax_f32(CodeContext& context, bool logarithm);

}  // namespace tinyc
