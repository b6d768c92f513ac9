// The code functions that ops name in their entries (OpDef::code), by file of this folder.
#pragma once

#include "tinyc/ops/code.h"

namespace tinyc {

// conv.cpp, matrix.cpp
void code_conv(CodeContext& context);
void code_conv_transpose(CodeContext& context);
void code_gemm(CodeContext& context);
void code_matmul(CodeContext& context);

// table.cpp: any function of one operand, its other operands constant.
void code_table(CodeContext& context);

// arithmetic.cpp
void code_add(CodeContext& context);
void code_sub(CodeContext& context);
void code_mul(CodeContext& context);
void code_max(CodeContext& context);
void code_min(CodeContext& context);
void code_variadic_sum(CodeContext& context);
void code_mean(CodeContext& context);

// pooling.cpp
void code_max_pool(CodeContext& context);
void code_average_pool(CodeContext& context);

// softmax.cpp
void code_softmax(CodeContext& context);

// movement.cpp
void code_reshape(CodeContext& context);
void code_identity(CodeContext& context);
void code_transpose(CodeContext& context);
void code_concat(CodeContext& context);

// lookup.cpp
void code_cast(CodeContext& context);
void code_gather(CodeContext& context);

// attention.cpp
void code_computed_matmul(CodeContext& context);
void code_layer_normalization(CodeContext& context);

// recurrent.cpp
void code_lstm(CodeContext& context);
void code_gru(CodeContext& context);

// float_map.cpp, float_rows.cpp: ops that have float kernels only.
void code_div(CodeContext& context);
void code_pow(CodeContext& context);
void code_batch_normalization(CodeContext& context);
void code_log_softmax(CodeContext& context);

// selection.cpp: every op whose result is made of elements of operand 0, its other operands constant; the second form
// for an op that has an operand with the number that it fills in.
void code_selection(CodeContext& context);
void code_selection_filling(CodeContext& context, int fill_operand);

// prelu.cpp
void code_prelu(CodeContext& context);

// resize.cpp, pad.cpp
void code_resize(CodeContext& context);
void code_pad(CodeContext& context);

// reduction.cpp
void code_global_average_pool(CodeContext& context);
void code_global_max_pool(CodeContext& context);
void code_reduce_max(CodeContext& context);
void code_reduce_min(CodeContext& context);
void code_reduce_sum(CodeContext& context);
void code_reduce_mean(CodeContext& context);
void code_reduce_l1(CodeContext& context);
void code_reduce_l2(CodeContext& context);
void code_arg_max(CodeContext& context);
void code_arg_min(CodeContext& context);

}  // namespace tinyc
