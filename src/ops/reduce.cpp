// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp and
// ReduceSumSquare: one number out of all elements along some axes.
//
// Each is a map, a combination and a finish: finish(combine(map(x0), map(x1), ...), count). Floats are combined in
// double, integers modulo 2^64. The elements of one result are combined in the order of memory, in kLanes interleaved
// chains where they lie next to each other; so the bits of a result depend on its own elements only, not on how many
// others (samples of a batch) are reduced at the same time, and the rounding error is that of the final conversion.
#include <cmath>
#include <limits>

#include "ops/broadcast.h"
#include "ops/cast.h"
#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/elementwise.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"keepdims", 1}, {"noop_with_empty_axes", 0}};

constexpr int kLanes = 8;

bool is_noop(const Node& node, bool has_axes) {
  return !has_axes && int_attr(node, "noop_with_empty_axes") != 0;
}

Shape reduced_shape(const Shape& shape, std::span<const int64_t> axes, bool keep) {
  std::vector<bool> reduced(static_cast<size_t>(shape.rank()), axes.empty());
  for (const int axis : normalize_axes(axes, shape.rank())) reduced[static_cast<size_t>(axis)] = true;
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!reduced[static_cast<size_t>(i)]) {
      result.push_back(shape[i]);
    } else if (keep) {
      result.push_back(Dim(1));
    }
  }
  return result;
}

void infer(InferContext& context) {
  const Shape& shape = context.shape(0);
  const bool keep = int_attr(context.node(), "keepdims") != 0;
  std::optional<std::vector<int64_t>> axes = std::vector<int64_t>();
  if (context.has_input(1)) axes = known_ints(context, 1);
  if (axes && is_noop(context.node(), !axes->empty())) {
    context.set_output(0, context.dtype(0), shape);
  } else if (!shape.ranked() || (!axes && !keep)) {
    context.set_output(0, context.dtype(0), Shape::unranked());
  } else {
    context.set_output(0, context.dtype(0), axes ? reduced_shape(shape, *axes, keep) : open_shape(shape.rank()));
  }
}

template <typename T>
using Accumulator =
    std::conditional_t<std::is_floating_point_v<T>, double, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;

// Overflow of integers wraps instead of being undefined.
template <typename A>
A add(A a, A b) {
  if constexpr (std::is_integral_v<A>) {
    return static_cast<A>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}

template <typename A>
A multiply(A a, A b) {
  if constexpr (std::is_integral_v<A>) {
    return static_cast<A>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}

constexpr auto kAdd = [](auto a, auto b) { return add(a, b); };
constexpr auto kMultiply = [](auto a, auto b) { return multiply(a, b); };
constexpr auto kMax = [](auto a, auto b) { return a < b || b != b ? b : a; };  // a NaN stays
constexpr auto kMin = [](auto a, auto b) { return b < a || b != b ? b : a; };

// results[r] = combine(results[r], map(x, r)) for each element x of each result r.
template <typename T, typename A, typename Map, typename Combine>
void accumulate(const BroadcastPlan<1>& plan, const T* x, A initial, A* results, Map map, Combine combine) {
  for_each_line(plan, [&](int64_t first, const std::array<int64_t, 1>& offsets) {
    const int64_t r = offsets[0];
    if (plan.steps[0] != 0) {
      for (int64_t i = 0; i < plan.line; ++i) results[r + i] = combine(results[r + i], map(x[first + i], r + i));
      return;
    }
    std::array<A, kLanes> lanes;
    lanes.fill(initial);
    int64_t i = 0;
    for (; i + kLanes <= plan.line; i += kLanes) {
      for (size_t k = 0; k < kLanes; ++k) lanes[k] = combine(lanes[k], map(x[first + i + static_cast<int64_t>(k)], r));
    }
    for (size_t k = 0; i < plan.line; ++i, ++k) lanes[k] = combine(lanes[k], map(x[first + i], r));
    for (const A lane : lanes) results[r] = combine(results[r], lane);
  });
}

// The plan, and how many elements make one result.
struct Reduction {
  BroadcastPlan<1> plan;
  int64_t results;
  int64_t count;
};

Reduction reduction_of(const EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const std::vector<int64_t> axes = context.has_input(1) ? context.input(1).to_int64() : std::vector<int64_t>();
  // With nothing reduced each element is a result of its own: ReduceSumSquare then squares.
  const Dims kept =
      is_noop(context.node(), !axes.empty()) ? dims : *reduced_shape(Shape(dims), axes, true).known_dims();
  Reduction reduction{plan_broadcast<1>(dims, {kept}), element_count(kept), 1};
  for (size_t i = 0; i < dims.size(); ++i) {
    if (kept[i] != dims[i]) reduction.count *= dims[i];
  }
  return reduction;
}

// What one op does; `initial` is the neutral element of its combination.
template <auto kMap, auto kCombine, int kInitial, auto kFinish>
void eval_reduction(EvalContext& context) {
  if (eval_in_float(context, eval_reduction<kMap, kCombine, kInitial, kFinish>)) return;
  const Reduction reduction = reduction_of(context);
  visit_type(NumericTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    using A = Accumulator<T>;
    std::vector<A> results(static_cast<size_t>(reduction.results), A{kInitial});
    accumulate(
        reduction.plan, context.in<T>(0).data(), A{kInitial}, results.data(),
        [](T x, int64_t /*result*/) { return kMap(static_cast<A>(x)); }, kCombine);
    std::transform(results.begin(), results.end(), context.out<T>(0).begin(),
                   [&](A result) { return convert<T>(kFinish(result, reduction.count)); });
  });
}

// The extreme element; of none, the value that loses against every other.
template <auto kCombine, bool kLargest>
void eval_extreme(EvalContext& context) {
  if (eval_in_float(context, eval_extreme<kCombine, kLargest>)) return;
  const Reduction reduction = reduction_of(context);
  visit_type(NumericOrBoolTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    using Limits = std::numeric_limits<T>;
    const T infinite = kLargest ? -Limits::infinity() : Limits::infinity();
    const T initial = Limits::has_infinity ? infinite : (kLargest ? Limits::lowest() : Limits::max());
    const auto y = context.out<T>(0);
    std::fill(y.begin(), y.end(), initial);
    accumulate(
        reduction.plan, context.in<T>(0).data(), initial, y.data(), [](T x, int64_t /*result*/) { return x; },
        kCombine);
  });
}

// log sum exp x = m + log sum exp(x - m) for the largest element m, so that nothing overflows.
void eval_log_sum_exp(EvalContext& context) {
  if (eval_in_float(context, eval_log_sum_exp)) return;
  const Reduction reduction = reduction_of(context);
  const auto count = static_cast<size_t>(reduction.results);
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  visit_type(NumericTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    std::vector<double> largest(count, kLowest), sums(count, 0.0);
    accumulate(
        reduction.plan, x, kLowest, largest.data(), [](T v, int64_t /*result*/) { return static_cast<double>(v); },
        kMax);
    for (double& m : largest) {
      if (std::isinf(m)) m = 0.0;  // infinity less itself is no number
    }
    accumulate(
        reduction.plan, x, 0.0, sums.data(),
        [&](T v, int64_t r) { return std::exp(static_cast<double>(v) - largest[static_cast<size_t>(r)]); }, kAdd);
    const auto y = context.out<T>(0);
    for (size_t r = 0; r < count; ++r) y[r] = convert<T>(largest[r] + std::log(sums[r]));
  });
}

constexpr auto kItself = [](auto x) { return x; };
constexpr auto kSquare = [](auto x) { return multiply(x, x); };
constexpr auto kSize = [](auto x) { return x < 0 ? multiply(x, static_cast<decltype(x)>(-1)) : x; };
constexpr auto kResult = [](auto result, int64_t /*count*/) { return result; };
constexpr auto kRoot = [](auto result, int64_t /*count*/) { return std::sqrt(static_cast<double>(result)); };
constexpr auto kLog = [](auto result, int64_t /*count*/) { return std::log(static_cast<double>(result)); };
constexpr auto kPerElement = [](auto result, int64_t count) {
  using A = decltype(result);
  return std::is_integral_v<A> && count == 0 ? A{0} : static_cast<A>(result / static_cast<A>(count));
};

constexpr QuantTraits kCompute{.kind = QuantKind::kCompute, .scaling = Scaling::kReduce};
constexpr QuantTraits kSelect{.kind = QuantKind::kSameAsInput, .scaling = Scaling::kReduce};
constexpr QuantTraits kPrecise{.kind = QuantKind::kFloat,
                               .why_float = "its intermediate values span more decades than integers of 8 bits"};

constexpr OpDef reduction(std::string_view name, void (*eval)(EvalContext&), const QuantTraits& traits,
                          void (*code)(CodeContext&) = nullptr) {
  return {.name = name,
          .inputs = {1, 2},
          .attributes = kAttributes,
          .infer = infer,
          .eval = eval,
          .code = code,
          .axes = reduction_axes,
          .quant = traits};
}

}  // namespace

// clang-format off
extern const OpDef k_reduce_sum = reduction("ReduceSum", eval_reduction<kItself, kAdd, 0, kResult>, kCompute, code_reduce_sum);
extern const OpDef k_reduce_mean = reduction("ReduceMean", eval_reduction<kItself, kAdd, 0, kPerElement>, kCompute, code_reduce_mean);
extern const OpDef k_reduce_prod = reduction("ReduceProd", eval_reduction<kItself, kMultiply, 1, kResult>, kPrecise);
extern const OpDef k_reduce_l1 = reduction("ReduceL1", eval_reduction<kSize, kAdd, 0, kResult>, kCompute, code_reduce_l1);
extern const OpDef k_reduce_l2 = reduction("ReduceL2", eval_reduction<kSquare, kAdd, 0, kRoot>, kPrecise, code_reduce_l2);
extern const OpDef k_reduce_sum_square = reduction("ReduceSumSquare", eval_reduction<kSquare, kAdd, 0, kResult>, kPrecise);
extern const OpDef k_reduce_log_sum = reduction("ReduceLogSum", eval_reduction<kItself, kAdd, 0, kLog>, kPrecise);
extern const OpDef k_reduce_log_sum_exp = reduction("ReduceLogSumExp", eval_log_sum_exp, kPrecise);
extern const OpDef k_reduce_max = reduction("ReduceMax", eval_extreme<kMax, true>, kSelect, code_reduce_max);
extern const OpDef k_reduce_min = reduction("ReduceMin", eval_extreme<kMin, false>, kSelect, code_reduce_min);
// clang-format on

}  // namespace tinyc
