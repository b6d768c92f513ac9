// Reductions on a device: sums, means and extremes over any axes, and the indices of extremes.
//
// Numbers of the float reductions: src/rt/pool_f32.h. Axes that are reduced go to the front of the memory order, so
// that the operand is a matrix of cells by results; over an image's height and width that is how it lies anyway, else
// it is transposed by a call in front.
#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "ops/code/table.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kAverage = TINYC_KERNEL(tc_average_window_s8, "average_pool_s8.h");
constexpr KernelDef kMax = TINYC_KERNEL(tc_max_window_s8, "max_pool_s8.h");
constexpr KernelDef kMin = TINYC_KERNEL(tc_reduce_min_s8, "extreme_s8.h");
constexpr KernelDef kArgMax = TINYC_KERNEL(tc_arg_max_s8, "arg_max_s8.h");
constexpr KernelDef kArgMin = TINYC_KERNEL(tc_arg_min_s8, "arg_max_s8.h");

constexpr double kSumFactor = 64;                 // the kernel shifts its sums before it multiplies them
constexpr int64_t kMostCells = int64_t{1} << 17;  // |sum| <= 255 * cells, times 64 in 32 bits

struct Matrix {
  Order order;
  int64_t cells = 1;    // reduced into one result
  int64_t results = 1;  // neighbours in memory
};

Matrix matrix_of(const CodeContext& context, const std::vector<bool>& reduced) {
  const Dims dims = context.dims(0);
  Matrix matrix;
  for (const bool first : {true, false}) {
    for (size_t i = 0; i < dims.size(); ++i) {
      if (reduced[i] != first) continue;
      matrix.order.push_back(static_cast<int>(i));
      (first ? matrix.cells : matrix.results) *= dims[i];
    }
  }
  if (matrix.cells == 0) context.refuse("it reduces nothing");
  return matrix;
}

void check(const CodeContext& context) {
  if (!context.is_integer(0) || !context.is_result_integer()) context.refuse("its data are not 8-bit integers");
}

std::vector<bool> reduced_axes(const CodeContext& context) {
  check(context);
  const size_t rank = context.dims(0).size();
  if (context.has_input(1) && context.constant(1) == nullptr) context.refuse("its axes are computed");
  const auto listed = context.has_input(1) ? context.constant(1)->to_int64() : std::vector<int64_t>();
  if (listed.empty()) return std::vector<bool>(rank, int_attr(context.node(), "noop_with_empty_axes") == 0);
  std::vector<bool> reduced(rank, false);
  for (int64_t axis : listed) reduced[static_cast<size_t>(normalize_axis(axis, static_cast<int>(rank)))] = true;
  return reduced;
}

CallArg out_of(CodeContext& context) {
  return context.out(plain_order(static_cast<int>(context.result_dims().size())));
}

// The sum of the cells times `factor`.
void code_sum_of(CodeContext& context, const Matrix& matrix, double factor) {
  const Grid in = context.grid(0);
  const Grid out = context.result_grid();
  const double ratios[] = {static_cast<double>(in.scale) / static_cast<double>(out.scale) / kSumFactor * factor};
  if (ratios[0] >= kMostRatio) context.refuse("the grid of its result is finer than that of its sums");
  if (matrix.cells > kMostCells) context.refuse("it sums too many elements");
  const Requantization r = requantize_by(ratios, out.zero_point);
  const auto n = [&](int64_t value) { return context.number(value); };
  const CallArg from = context.in(0, matrix.order);
  const CallArg to = out_of(context);
  context.call(kAverage, {from, to, n(1), n(matrix.cells), n(matrix.cells * matrix.results), n(matrix.results),
                          n(-matrix.cells * in.zero_point), n(r.multipliers[0]), n(r.rounding), n(r.shift), n(out.low),
                          n(out.high)});
  context.overlap_below(to, from, 0);
}

void code_max_of(CodeContext& context, const Matrix& matrix) {
  const Grid out = context.result_grid();
  const auto n = [&](int64_t value) { return context.number(value); };
  const CallArg from = in_on_result_grid(context, 0, matrix.order);
  const CallArg to = out_of(context);
  context.call(kMax,
               {from, to, n(1), n(matrix.cells), n(0), n(matrix.results), n(matrix.results), n(out.low), n(out.high)});
  context.overlap_below(to, from, 0);
}

// Everything but the first two axes.
std::vector<bool> spatial_axes(const CodeContext& context) {
  check(context);
  std::vector<bool> reduced(context.dims(0).size(), true);
  reduced[0] = reduced[1] = false;
  return reduced;
}

void code_arg_extreme(CodeContext& context, const KernelDef& kernel) {
  if (!context.is_integer(0)) context.refuse("its data are not 8-bit integers");
  const Dims dims = context.dims(0);
  const int rank = static_cast<int>(dims.size());
  const int axis = normalize_axis(int_attr(context.node(), "axis"), rank);
  Order order = plain_order(rank);
  order.erase(order.begin() + axis);
  order.push_back(axis);
  const int64_t count = dims[static_cast<size_t>(axis)];
  const CallArg in = context.in(0, order);
  const CallArg out = context.out_index(plain_order(static_cast<int>(context.result_dims().size())));
  context.call(kernel, {in, out, context.number(element_count(dims) / count), context.number(count),
                        context.number(int_attr(context.node(), "select_last_index"))});
}

}  // namespace

void code_reduce_sum(CodeContext& context) {
  if (!all_integer(context, 1)) return code_reduce_f32(context, 0);
  code_sum_of(context, matrix_of(context, reduced_axes(context)), 1);
}

void code_reduce_mean(CodeContext& context) {
  if (!all_integer(context, 1)) return code_reduce_f32(context, 1);
  const Matrix matrix = matrix_of(context, reduced_axes(context));
  code_sum_of(context, matrix, 1.0 / static_cast<double>(matrix.cells));
}

void code_reduce_l1(CodeContext& context) {
  code_reduce_f32(context, 5);
}

void code_reduce_l2(CodeContext& context) {
  code_reduce_f32(context, 6);
}

void code_global_average_pool(CodeContext& context) {
  if (!all_integer(context, 1)) return code_global_pool_f32(context, 1);
  const Matrix matrix = matrix_of(context, spatial_axes(context));
  code_sum_of(context, matrix, 1.0 / static_cast<double>(matrix.cells));
}

void code_reduce_max(CodeContext& context) {
  if (!all_integer(context, 1)) return code_reduce_f32(context, 2);
  code_max_of(context, matrix_of(context, reduced_axes(context)));
}

void code_global_max_pool(CodeContext& context) {
  if (!all_integer(context, 1)) return code_global_pool_f32(context, 2);
  code_max_of(context, matrix_of(context, spatial_axes(context)));
}

void code_reduce_min(CodeContext& context) {
  if (!all_integer(context, 1)) return code_reduce_f32(context, 3);
  const Matrix matrix = matrix_of(context, reduced_axes(context));
  const Grid out = context.result_grid();
  const CallArg from = in_on_result_grid(context, 0, matrix.order);
  const CallArg to = out_of(context);
  context.call(kMin, {from, to, context.number(matrix.cells), context.number(matrix.results), context.number(out.low),
                      context.number(out.high)});
  context.overlap_below(to, from, 0);
}

void code_arg_max(CodeContext& context) {
  code_arg_extreme(context, kArgMax);
}

void code_arg_min(CodeContext& context) {
  code_arg_extreme(context, kArgMin);
}

}  // namespace tinyc
