// Tables of 256 entries: functions of one operand, and the step from one grid to another.
#pragma once

#include "tinyc/ops/code.h"

namespace tinyc {

// Whether the operand's bytes can stand for the result's; so where one of them is in float.
bool has_result_grid(const CodeContext& context, int operand, int result = 0);

// Whether the two differ at most in their limits.
bool has_scale_of_result(const CodeContext& context, int operand);

// The operand in that order on the grid of the result: by a table in front where it lies on another. Models that other
// tools have quantized give every value a grid of its own, also where elements are only moved.
CallArg in_on_result_grid(CodeContext& context, int operand, const Order& order, int result = 0);

// The whole node: the operand's bytes on the result's grid, in `result_order`.
void code_regrid(CodeContext& context, const Order& order, const Order& result_order);

// `size` bytes on the grid `from` become those of the result.
void call_regrid(CodeContext& context, const CallArg& in, const CallArg& out, const Grid& from, int64_t size);

// The result as a function of one operand, the others constants of one element or none.
void code_function_of(CodeContext& context, int operand);

// A buffer for what one call leaves to the next of the same node, as the writer and as the reader see it.
struct Temporary {
  CallArg write, read;
};
Temporary make_temporary(CodeContext& context, int64_t bytes);

// A constant operand as real numbers, however it is stored.
std::vector<float> real_constant(const CodeContext& context, int operand);

}  // namespace tinyc
