#include "ops/kernels/elementwise.h"

#include "ops/kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/elementwise.cpp"
#include "hwy/foreach_target.h"
#include "ops/kernels/functions_inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kStep = static_cast<int64_t>(kLanes);

// Calls body(i) for the first element of each vector and stores what it returns at y + i.
template <class Body>
HWY_INLINE void for_each_vector(int64_t count, float* y, const Body& body) {
  int64_t i = 0;
  for (; i + kStep <= count; i += kStep) hn::StoreU(body(i), FloatTag(), y + i);
  if (i < count) store_first(body(i), static_cast<size_t>(count - i), y + i);
}

void apply_all(Function function, const float* x, int64_t count, float* y) {
  const FloatTag d;
  switch (function) {
    case Function::kExp:
      return for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return exp_of(hn::LoadU(d, x + i)); });
    case Function::kErf:
      return for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return erf_of(hn::LoadU(d, x + i)); });
    case Function::kSigmoid:
      return for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return sigmoid_of(hn::LoadU(d, x + i)); });
    case Function::kTanh:
      return for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return tanh_of(hn::LoadU(d, x + i)); });
  }
}

// Calls operation(a, b) for the vectors of a line.
template <class Operation>
HWY_INLINE void for_each_pair(const Line& line, const Operation& operation) {
  const FloatTag d;
  if (line.count == 0) return;
  const FloatVec a = hn::Set(d, line.a[0]), b = hn::Set(d, line.b[0]);
  if (line.a_moves && line.b_moves) {
    for_each_vector(line.count, line.y,
                    [&](int64_t i) HWY_ATTR { return operation(hn::LoadU(d, line.a + i), hn::LoadU(d, line.b + i)); });
  } else if (line.a_moves) {
    for_each_vector(line.count, line.y, [&](int64_t i) HWY_ATTR { return operation(hn::LoadU(d, line.a + i), b); });
  } else if (line.b_moves) {
    for_each_vector(line.count, line.y, [&](int64_t i) HWY_ATTR { return operation(a, hn::LoadU(d, line.b + i)); });
  } else {
    for_each_vector(line.count, line.y, [&](int64_t) HWY_ATTR { return operation(a, b); });
  }
}

void combine_line(Arithmetic op, const Line& line, float low, float high) {
  const FloatTag d;
  const FloatVec lowest = hn::Set(d, low), highest = hn::Set(d, high);
  switch (op) {
    case Arithmetic::kAdd:
      return for_each_pair(line, [&](auto a, auto b) HWY_ATTR { return clamp(hn::Add(a, b), lowest, highest); });
    case Arithmetic::kSub:
      return for_each_pair(line, [&](auto a, auto b) HWY_ATTR { return clamp(hn::Sub(a, b), lowest, highest); });
    case Arithmetic::kMul:
      return for_each_pair(line, [&](auto a, auto b) HWY_ATTR { return clamp(hn::Mul(a, b), lowest, highest); });
    case Arithmetic::kDiv:
      return for_each_pair(line, [&](auto a, auto b) HWY_ATTR { return clamp(hn::Div(a, b), lowest, highest); });
  }
}

void clamp_line(const float* x, int64_t count, float low, float high, float* y) {
  const FloatTag d;
  const FloatVec lowest = hn::Set(d, low), highest = hn::Set(d, high);
  for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return clamp(hn::LoadU(d, x + i), lowest, highest); });
}

void leak_line(const Line& line) {
  for_each_pair(line, [](auto x, auto slope)
                          HWY_ATTR { return hn::IfThenElse(hn::Lt(x, hn::Zero(FloatTag())), hn::Mul(slope, x), x); });
}

void normalize_line(const float* x, int64_t count, float mean, float factor, float bias, float low, float high,
                    float* y) {
  const FloatTag d;
  const FloatVec means = hn::Set(d, mean), factors = hn::Set(d, factor), biases = hn::Set(d, bias);
  const FloatVec lowest = hn::Set(d, low), highest = hn::Set(d, high);
  for_each_vector(count, y, [&](int64_t i) HWY_ATTR {
    return clamp(fused_multiply_add(hn::Sub(hn::LoadU(d, x + i), means), factors, biases), lowest, highest);
  });
}

void scale_and_add_line(Line line, float alpha, float beta, float low, float high) {
  const FloatTag d;
  const FloatVec alphas = hn::Set(d, alpha), betas = hn::Set(d, beta);
  const FloatVec lowest = hn::Set(d, low), highest = hn::Set(d, high);
  line.a = line.y;
  line.a_moves = true;
  for_each_pair(line, [&](auto y, auto c) HWY_ATTR {
    return clamp(fused_multiply_add(betas, c, hn::Mul(alphas, y)), lowest, highest);
  });
}

// One vector of neighbouring lines.
void softmax_lines(const float* x, int64_t count, int64_t step, size_t lines, bool logarithm, float* y) {
  const FloatTag d;
  FloatVec largest = hn::LoadU(d, x);
  for (int64_t i = 1; i < count; ++i) largest = hn::Max(largest, hn::LoadU(d, x + i * step));
  FloatVec sum = hn::Zero(d);
  for (int64_t i = 0; i < count; ++i) {
    const FloatVec e = exp_of(hn::Sub(hn::LoadU(d, x + i * step), largest));
    sum = hn::Add(sum, e);
    if (!logarithm) store_first(e, lines, y + i * step);
  }
  HWY_ALIGN float logs[kLanes];
  hn::Store(sum, d, logs);
  for (float& element : logs) element = std::log(element);
  const FloatVec log_sum = hn::Load(d, logs);
  for (int64_t i = 0; i < count; ++i) {
    const FloatVec result = logarithm ? hn::Sub(hn::Sub(hn::LoadU(d, x + i * step), largest), log_sum)
                                      : hn::Div(hn::LoadU(d, y + i * step), sum);
    store_first(result, lines, y + i * step);
  }
}

void softmax_contiguous(const float* x, int64_t count, bool logarithm, float* y) {
  const FloatTag d;
  float largest = x[0];
  for (int64_t i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  const FloatVec shift = hn::Set(d, largest);
  for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return exp_of(hn::Sub(hn::LoadU(d, x + i), shift)); });
  float sum = 0.0F;
  for (int64_t i = 0; i < count; ++i) sum += y[i];
  const FloatVec sums = hn::Set(d, sum), logs = hn::Set(d, std::log(sum));
  if (logarithm) {
    for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return hn::Sub(hn::Sub(hn::LoadU(d, x + i), shift), logs); });
  } else {
    for_each_vector(count, y, [&](int64_t i) HWY_ATTR { return hn::Div(hn::LoadU(d, y + i), sums); });
  }
}

void softmax_all(const float* x, int64_t count, int64_t step, int64_t lines, bool logarithm, float* y) {
  if (step == 1 && lines == 1) return softmax_contiguous(x, count, logarithm, y);
  for (int64_t i = 0; i < lines; i += kStep) {
    softmax_lines(x + i, count, step, static_cast<size_t>(lines - i), logarithm, y + i);
  }
}

float sum_line(const float* x, int64_t count) {
  constexpr int64_t kPartial = 16;
  constexpr size_t kVectors = static_cast<size_t>(kPartial / kStep);
  const FloatTag d;
  FloatVec sums[kVectors];
  for (FloatVec& sum : sums) sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + kPartial <= count; i += kPartial) {
    for (size_t v = 0; v < kVectors; ++v)
      sums[v] = hn::Add(sums[v], hn::LoadU(d, x + i + static_cast<int64_t>(v) * kStep));
  }
  float partial[kPartial];
  for (size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, partial + v * kLanes);
  for (int64_t k = 0; i + k < count; ++k) partial[k] += x[i + k];
  for (int64_t width = kPartial / 2; width > 0; width /= 2) {
    for (int64_t k = 0; k < width; ++k) partial[k] += partial[k + width];
  }
  return partial[0];
}

}  // namespace
}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinyc::kernels {

HWY_EXPORT(apply_all);
HWY_EXPORT(combine_line);
HWY_EXPORT(clamp_line);
HWY_EXPORT(leak_line);
HWY_EXPORT(normalize_line);
HWY_EXPORT(scale_and_add_line);
HWY_EXPORT(softmax_all);
HWY_EXPORT(sum_line);

void apply(Function function, const float* x, int64_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(apply_all)(function, x, count, y);
}

void combine(Arithmetic op, const Line& line, float low, float high) {
  HWY_DYNAMIC_DISPATCH(combine_line)(op, line, low, high);
}

void clamp_all(const float* x, int64_t count, float low, float high, float* y) {
  HWY_DYNAMIC_DISPATCH(clamp_line)(x, count, low, high, y);
}

void leak(const Line& line) {
  HWY_DYNAMIC_DISPATCH(leak_line)(line);
}

void normalize(const float* x, int64_t count, float mean, float factor, float bias, float low, float high, float* y) {
  HWY_DYNAMIC_DISPATCH(normalize_line)(x, count, mean, factor, bias, low, high, y);
}

void scale_and_add(const Line& line, float alpha, float beta, float low, float high) {
  HWY_DYNAMIC_DISPATCH(scale_and_add_line)(line, alpha, beta, low, high);
}

void softmax(const float* x, int64_t count, int64_t step, int64_t lines, bool logarithm, float* y) {
  HWY_DYNAMIC_DISPATCH(softmax_all)(x, count, step, lines, logarithm, y);
}

float sum_of(const float* x, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(sum_line)(x, count);
}

}  // namespace tinyc::kernels
#endif
