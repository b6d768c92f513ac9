// Kernels that treat each element alone. Each may read, never write, one vector past the end of its operands; out may
// be the same memory as an operand.
#pragma once

#include <cstdint>

namespace tinyc::kernels {

// By number: what functions_inl.h has.
enum class Function : uint8_t { kExp, kErf, kSigmoid, kTanh };
void apply(Function function, const float* x, int64_t count, float* y);

enum class Arithmetic : uint8_t { kAdd, kSub, kMul, kDiv };
struct Line {
  const float* a = nullptr;
  bool a_moves = true;  // false: one number for all
  const float* b = nullptr;
  bool b_moves = true;
  int64_t count = 0;
  float* y = nullptr;
};
// y = clamp(a op b).
void combine(Arithmetic op, const Line& line, float low, float high);

// y = min(max(x, low), high); a NaN stays one.
void clamp_all(const float* x, int64_t count, float low, float high, float* y);

// y = x < 0 ? slope * x : x; a is x, b the slope.
void leak(const Line& line);

// y = clamp((x - mean) * factor + bias), the multiply-add fused.
void normalize(const float* x, int64_t count, float mean, float factor, float bias, float low, float high, float* y);

// y = clamp(alpha * y + beta * c), the second multiply-add fused; a is not used, b is c.
void scale_and_add(const Line& line, float alpha, float beta, float low, float high);

// y = exp(x - max) / sum, or x - max - log(sum), of one line whose elements are `step` apart, for `lines` neighbouring
// lines. Sums run in the order of the elements.
void softmax(const float* x, int64_t count, int64_t step, int64_t lines, bool logarithm, float* y);

// The sum of a contiguous run: sixteen partial sums over every sixteenth element, then their sum in pairs.
float sum_of(const float* x, int64_t count);

}  // namespace tinyc::kernels
