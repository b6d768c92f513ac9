// What the ops' `linear` entries are made of. Each returns none where the operands do not make the node a product of
// its data with a constant matrix.
#pragma once

#include <optional>

#include "tinyc/ops/linear.h"

namespace tinyc {

std::optional<LinearForm> linear_conv(const LinearOperands& operands);
std::optional<LinearForm> linear_conv_transpose(const LinearOperands& operands);
std::optional<LinearForm> linear_gemm(const LinearOperands& operands);
std::optional<LinearForm> linear_matmul(const LinearOperands& operands);
// Weights W and R of a node with that many gates; `plain_gates` of them, the first ones, multiply R with the hidden
// state itself.
std::optional<LinearForm> linear_recurrent(const LinearOperands& operands, int64_t gates, int64_t plain_gates);

}  // namespace tinyc
