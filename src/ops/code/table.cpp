// Functions of one operand on a device: 256 results computed offline by the op itself, in float, and looked up.
#include "ops/code/table.h"

#include <algorithm>
#include <cmath>

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

// The reals that the integers of a grid stand for.
std::vector<float> reals_of(const Grid& grid) {
  std::vector<float> reals;
  for (int q = -128; q <= 127; ++q) reals.push_back(static_cast<float>(q - grid.zero_point) * grid.scale);
  return reals;
}

// What the op gives for each integer that the operand may hold.
std::vector<float> evaluate_all(const CodeContext& context, int operand) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < context.node().inputs.size(); ++i) {
    const int idx = static_cast<int>(i);
    if (idx == operand) {
      inputs.push_back(Tensor::of<float>({kEntries}, reals_of(context.grid(operand))));
      continue;
    }
    const Tensor* constant = context.constant(idx);
    if (context.has_input(idx) && constant == nullptr) context.refuse("it has two computed operands");
    const bool is_real = constant != nullptr && context.params(idx) != nullptr;
    inputs.push_back(is_real ? Tensor::of<float>({}, real_constant(context, idx))
                             : (constant != nullptr ? *constant : Tensor()));
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
  if (std::isnan(real)) return 0;
  const double q = std::nearbyint(static_cast<double>(real / grid.scale)) + grid.zero_point;
  return static_cast<int8_t>(std::clamp(q, static_cast<double>(grid.low), static_cast<double>(grid.high)));
}

CallArg table_of(CodeContext& context, std::string_view role, std::span<const float> reals, const Grid& grid) {
  std::vector<int8_t> table;
  for (float real : reals) table.push_back(on_grid(real, grid));
  return context.data(role, Tensor::of<int8_t>({kEntries}, table));
}

}  // namespace

bool has_result_grid(const CodeContext& context, int operand, int result) {
  // Floats are brought to the grid, or off it, at the border.
  if (!context.is_integer(operand) || !context.is_result_integer(result)) return true;
  const Grid in = context.grid(operand);
  const Grid out = context.result_grid(result);
  return in.scale == out.scale && in.zero_point == out.zero_point && in.low >= out.low && in.high <= out.high;
}

bool has_scale_of_result(const CodeContext& context, int operand) {
  const Grid in = context.grid(operand);
  const Grid out = context.result_grid();
  return in.scale == out.scale && in.zero_point == out.zero_point;
}

Temporary make_temporary(CodeContext& context, int64_t bytes) {
  Temporary result{context.scratch(bytes), {}};
  result.write.kind = CallArg::Kind::kWrite;
  result.read = result.write;
  result.read.kind = CallArg::Kind::kRead;
  return result;
}

CallArg in_on_result_grid(CodeContext& context, int operand, const Order& order, int result) {
  const CallArg in = context.in(operand, order);
  if (has_result_grid(context, operand, result)) return in;
  const int64_t size = element_count(context.dims(operand));
  const Temporary moved = make_temporary(context, size);
  const CallArg table = table_of(context, "grid", reals_of(context.grid(operand)), context.result_grid(result));
  context.call(kTable, {in, moved.write, table, context.number(size)});
  if (in.kind == CallArg::Kind::kRead) context.overlap_below(moved.write, in, 0);
  return moved.read;
}

void call_regrid(CodeContext& context, const CallArg& in, const CallArg& out, const Grid& from, int64_t size) {
  const CallArg table = table_of(context, "grid", reals_of(from), context.result_grid());
  context.call(kTable, {in, out, table, context.number(size)});
  if (in.kind == CallArg::Kind::kRead) context.overlap_below(out, in, 0);
}

void code_regrid(CodeContext& context, const Order& order, const Order& result_order) {
  const CallArg in = context.in(0, order);
  call_regrid(context, in, context.out(result_order), context.grid(0), element_count(context.dims(0)));
}

std::vector<float> real_constant(const CodeContext& context, int operand) {
  const Tensor& stored = *context.constant(operand);
  const QParams* params = context.params(operand);
  const bool packed = params != nullptr && stored.dtype() == params->storage;
  return packed ? dequantize(stored, *params).to_float() : stored.to_float();
}

void code_function_of(CodeContext& context, int operand) {
  if (!context.is_integer(operand) || !context.is_result_integer()) context.refuse("its data are not 8-bit integers");
  const CallArg table = table_of(context, "table", evaluate_all(context, operand), context.result_grid());
  const Dims dims = context.dims(operand);
  const int rank = static_cast<int>(dims.size());
  const int result_rank = static_cast<int>(context.result_dims().size());
  const Order order = rank == result_rank ? context.order_of(operand, channels_last(rank)) : plain_order(rank);
  const CallArg in = context.in(operand, order);
  const CallArg result = context.out(rank == result_rank ? order : plain_order(result_rank));
  context.call(kTable, {in, result, table, context.number(element_count(dims))});
  context.overlap_below(result, in, 0);
}

void code_table(CodeContext& context) {
  if (!all_integer(context, 1)) return code_map_f32(context);
  code_function_of(context, 0);
}

}  // namespace tinyc
