// Functions of one operand on a device: 256 results computed offline by the op itself, in float, and looked up.
#include <algorithm>
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kTable = TINYC_KERNEL(tc_table_s8, "table_s8.h");
constexpr int64_t kEntries = 256;

// What the op gives for each integer that the operand may hold.
std::vector<float> evaluate_all(const CodeContext& context) {
  const Grid grid = context.grid(0);
  std::vector<float> reals;
  for (int q = -128; q <= 127; ++q) reals.push_back(static_cast<float>(q - grid.zero_point) * grid.scale);
  std::vector<Tensor> inputs = {Tensor::of<float>({kEntries}, reals)};
  for (size_t i = 1; i < context.node().inputs.size(); ++i) {
    const int idx = static_cast<int>(i);
    if (context.has_input(idx) && context.constant(idx) == nullptr) context.refuse("it has two computed operands");
    inputs.push_back(context.has_input(idx) ? *context.constant(idx) : Tensor());
  }
  std::vector<Tensor> outputs = {Tensor::zeros(DataType::kFloat, {kEntries})};
  std::vector<std::byte> scratch;
  const EvalContext::RunSubgraph none;
  EvalContext evaluation(context.node(), inputs, outputs, scratch, none);
  context.node().op->eval(evaluation);
  const auto results = outputs[0].data<float>();
  return {results.begin(), results.end()};
}

int8_t on_grid(float real, const Grid& grid) {
  const double q = std::nearbyint(static_cast<double>(real / grid.scale)) + grid.zero_point;
  return static_cast<int8_t>(std::clamp(q, static_cast<double>(grid.low), static_cast<double>(grid.high)));
}

}  // namespace

void code_table(CodeContext& context) {
  if (!all_integer(context, 1)) return code_map_f32(context);
  const Grid out = context.result_grid();
  std::vector<int8_t> table;
  for (float real : evaluate_all(context)) table.push_back(std::isnan(real) ? int8_t{0} : on_grid(real, out));
  const Order order = context.order_of(0, channels_last(static_cast<int>(context.dims(0).size())));
  const CallArg in = context.in(0, order);
  const CallArg result = context.out(order);
  context.call(kTable, {in, result, context.data("table", Tensor::of<int8_t>({kEntries}, table)),
                        context.number(element_count(context.dims(0)))});
  context.overlap_below(result, in, 0);
}

}  // namespace tinyc
