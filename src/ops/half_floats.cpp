#include "ops/half_floats.h"

#include <algorithm>

#include "ops/cast.h"

namespace tinyc {
namespace {

bool is_half(DataType dtype) {
  return dtype == DataType::kFloat16 || dtype == DataType::kBfloat16;
}

}  // namespace

bool eval_in_float(EvalContext& context, void (*eval)(EvalContext&)) {
  std::vector<Tensor> inputs;
  bool any = false;
  for (int i = 0; i < context.input_count(); ++i) {
    const Tensor& input = context.input(i);
    any = any || is_half(input.dtype());
    inputs.push_back(is_half(input.dtype()) ? cast(input, DataType::kFloat) : input);
  }
  if (!any) return false;
  std::vector<Tensor> outputs;
  std::vector<DataType> wanted;
  for (int i = 0; i < context.output_count(); ++i) {
    if (!context.has_output(i)) {
      wanted.push_back(DataType::kUndefined);
      outputs.emplace_back();
      continue;
    }
    Tensor& output = context.output(i);
    wanted.push_back(output.dtype());
    outputs.push_back(is_half(output.dtype()) ? Tensor::zeros(DataType::kFloat, output.dims()) : std::move(output));
  }
  std::vector<std::byte> scratch;
  const EvalContext::RunSubgraph no_subgraphs;
  EvalContext in_float(context.node(), inputs, outputs, scratch, no_subgraphs);
  eval(in_float);
  for (size_t i = 0; i < outputs.size(); ++i) {
    context.set_output(static_cast<int>(i), is_half(wanted[i]) ? cast(outputs[i], wanted[i]) : std::move(outputs[i]));
  }
  return true;
}

}  // namespace tinyc
