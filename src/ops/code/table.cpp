// Functions of one operand on a device: 256 results computed offline by the op itself, in float, and looked up.
#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kTable = TINYC_KERNEL(tc_table_s8, "table_s8.h");
constexpr int64_t kEntries = 256;

// The only operand that is computed.
int computed_operand(const CodeContext& context) {
  int found = -1;
  for (int i = 0; std::cmp_less(i, context.node().inputs.size()); ++i) {
    if (!context.has_input(i) || context.constant(i) != nullptr) continue;
    if (found >= 0) context.refuse("it has two computed operands");
    found = i;
  }
  return std::max(found, 0);
}

// A constant operand as floats; one element, whatever its rank, as one.
Tensor real_constant(const CodeContext& context, int idx) {
  const Tensor& stored = *context.constant(idx);
  const QParams* params = context.params(idx);
  const bool is_integer = params != nullptr && stored.dtype() == params->storage;
  const Tensor real = is_integer ? dequantize(stored, *params) : stored;
  return real.size() == 1 && real.dtype() == DataType::kFloat ? Tensor::of<float>({1}, {real.data<float>()[0]}) : real;
}

// What the op gives for each integer that the operand may hold.
std::vector<float> evaluate_all(const CodeContext& context, int operand) {
  const Grid grid = context.grid(operand);
  std::vector<float> reals;
  for (int q = -128; q <= 127; ++q) reals.push_back(static_cast<float>(q - grid.zero_point) * grid.scale);
  std::vector<Tensor> inputs;
  for (int i = 0; std::cmp_less(i, context.node().inputs.size()); ++i) {
    if (i == operand) {
      inputs.push_back(Tensor::of<float>({kEntries}, reals));
    } else {
      inputs.push_back(context.has_input(i) ? real_constant(context, i) : Tensor());
    }
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
  const int operand = computed_operand(context);
  if (!context.is_integer(operand) || !context.is_result_integer()) return code_map_f32(context);
  const Grid out = context.result_grid();
  std::vector<int8_t> table;
  for (float real : evaluate_all(context, operand)) table.push_back(std::isnan(real) ? int8_t{0} : on_grid(real, out));
  const Order order = context.order_of(operand, channels_last(static_cast<int>(context.dims(operand).size())));
  const CallArg in = context.in(operand, order);
  const CallArg result = context.out(order);
  context.call(kTable, {in, result, context.data("table", Tensor::of<int8_t>({kEntries}, table)),
                        context.number(element_count(context.dims(operand)))});
  context.overlap_below(result, in, 0);
}

}  // namespace tinyc
