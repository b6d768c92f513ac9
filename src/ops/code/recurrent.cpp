// LSTM and GRU on a device: one call for each direction, in integers (recurrent_s16.cpp) or with float states and
// weights as they are stored.
#include "ops/code/recurrent.h"

#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/recurrent.h"
#include "ops/recurrent_activation.h"
#include "tinyc/base/error.h"
#include "tinyc/coding/entropy.h"

namespace tinyc {
namespace {

using namespace recurrent_operands;

constexpr KernelDef kLstm = TINYC_KERNEL(tc_lstm_f32, "recurrent_f32.h");
constexpr KernelDef kGru = TINYC_KERNEL(tc_gru_f32, "recurrent_f32.h");

constexpr int64_t kFloatBytes = sizeof(float);

RecurrentLayer layer_of(CodeContext& context, int64_t gates) {
  const Node& node = context.node();
  const Dims x = context.dims(kX);
  const bool batch_first = is_batch_first(node);
  if (x[batch_first ? 0 : 1] != 1) context.refuse("it works on a batch");
  for (int idx : {kW, kR, kB, kPeepholes}) {
    if (context.has_input(idx) && context.constant(idx) == nullptr) context.refuse("its weights are computed");
  }
  if (context.has_input(kLengths)) {
    const Tensor* lengths = context.constant(kLengths);
    const int64_t steps = x[batch_first ? 1 : 0];
    if (lengths == nullptr || lengths->to_int64()[0] != steps)
      context.refuse("its sequences have lengths of their own");
  }
  if (has_attr(node, "clip")) context.refuse("it clips what goes into its functions");
  return {direction_count(node), x[batch_first ? 1 : 0], x[2], context.dims(kR)[2], gates};
}

void require_functions(CodeContext& context, const RecurrentLayer& layer, std::span<const std::string_view> defaults,
                       std::span<const RecurrentActivation::Kind> kinds) {
  const auto functions = recurrent_activations(context.node(), layer.directions, defaults);
  for (size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].kind != kinds[i % kinds.size()]) context.refuse("it has other functions than sigmoid and tanh");
  }
}

struct Weights {
  CallArg w, r, scales;
};

WeightForm form_of(const RecurrentRows& rows) {
  if (rows.scales.empty()) return {};
  const auto codes = rows.data.data<int8_t>();
  return {.coding = "int8", .parts = {.values = std::ssize(codes)}, .entropy_bits = entropy_bits(codes)};
}

// Both in integers or both in floats: the kernels have one switch.
Weights weights_of(CodeContext& context, int64_t direction) {
  const RecurrentRows w = recurrent_rows(context, kW, direction);
  const RecurrentRows r = recurrent_rows(context, kR, direction);
  if (w.scales.empty() != r.scales.empty()) context.refuse("only one of its weights is stored as integers");
  std::vector<float> scales = w.scales;
  scales.insert(scales.end(), r.scales.begin(), r.scales.end());
  return {context.data("w", w.data, form_of(w)), context.data("r", r.data, form_of(r)),
          float_data(context, "scales", scales)};
}

// A result in plain order, or memory that nobody reads (null for a sequence that is not wanted).
CallArg result(CodeContext& context, int idx, int64_t floats) {
  if (!has_output(context, static_cast<size_t>(idx))) return context.scratch(floats * kFloatBytes);
  return context.out_float(plain_order(static_cast<int>(context.result_dims(idx).size())), idx);
}

CallArg initial(CodeContext& context, int operand) {
  if (!context.has_input(operand)) return context.scratch(0);
  return context.in_float(operand, plain_order(3));
}

CallArg moved(CallArg arg, int64_t floats) {
  arg.offset += floats * kFloatBytes;
  return arg;
}

struct Calls {
  CallArg x, y, h, c, h0, c0;
};

Calls arguments(CodeContext& context, const RecurrentLayer& layer, bool has_c) {
  const int64_t state = layer.directions * layer.hidden;
  Calls calls;
  calls.x = context.in_float(kX, plain_order(3));
  calls.h0 = initial(context, kInitialH);
  if (has_c) calls.c0 = initial(context, kInitialC);
  calls.y = result(context, 0, 0);
  calls.h = result(context, 1, state);
  if (has_c) calls.c = result(context, 2, state);
  return calls;
}

}  // namespace

RecurrentRows recurrent_rows(CodeContext& context, int operand, int64_t direction) {
  const Tensor& stored = *context.constant(operand);
  const Dims dims = stored.dims();
  const int64_t size = dims[1] * dims[2];
  const auto first = static_cast<size_t>(direction * size);
  const auto count = static_cast<size_t>(size);
  const QParams* params = context.params(operand);
  if (params == nullptr || stored.dtype() != params->storage) {
    const std::vector<float> all = stored.to_float();
    return {Tensor::of<float>({size}, std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(first),
                                                         all.begin() + static_cast<std::ptrdiff_t>(first + count))),
            {}};
  }
  const bool by_row = params->axis == 1 && params->block == 0;
  if (params->scales.size() != 1 && !by_row) context.refuse("its weights have scales along another axis than the rows");
  const std::vector<int64_t> all = stored.to_int64();
  std::vector<int8_t> bytes;
  std::vector<float> scales;
  for (int64_t row = 0; row < dims[1]; ++row) {
    const size_t idx = params->scales.size() == 1 ? 0 : static_cast<size_t>(row);
    scales.push_back(params->scales[idx]);
    for (int64_t k = 0; k < dims[2]; ++k) {
      const int64_t w = all[first + static_cast<size_t>(row * dims[2] + k)] - params->zero_points[idx];
      if (w < -128 || w > 127) context.refuse("its weights less their zero point do not fit 8 bits");
      bytes.push_back(static_cast<int8_t>(w));
    }
  }
  return {Tensor::of<int8_t>({size}, bytes), scales};
}

std::vector<float> recurrent_bias(const CodeContext& context, const RecurrentLayer& layer, int64_t direction) {
  const auto count = static_cast<size_t>(2 * layer.rows());
  if (!context.has_input(kB)) return std::vector<float>(count, 0.0F);
  const QParams* params = context.params(kB);
  const Tensor& stored = *context.constant(kB);
  if (params != nullptr && stored.dtype() == params->storage) context.refuse("its bias is stored as integers");
  const std::vector<float> all = stored.to_float();
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(direction) * count);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

bool has_output(const CodeContext& context, size_t idx) {
  return idx < context.node().outputs.size() && context.node().outputs[idx] != kNoValue;
}

bool is_reverse(const Node& node, int64_t direction) {
  return direction == 1 || string_attr(node, "direction") == "reverse";
}

void code_lstm(CodeContext& context) {
  constexpr std::string_view kDefaults[] = {"Sigmoid", "Tanh", "Tanh"};
  constexpr RecurrentActivation::Kind kFunctions[] = {
      RecurrentActivation::Kind::kSigmoid, RecurrentActivation::Kind::kTanh, RecurrentActivation::Kind::kTanh};
  const RecurrentLayer layer = layer_of(context, 4);
  require_functions(context, layer, kDefaults, kFunctions);
  if (context.has_input(kPeepholes)) context.refuse("it has peepholes");
  if (int_attr(context.node(), "input_forget") != 0) context.refuse("its input and forget gates are one");
  if (code_recurrent_s16(context, layer)) return;
  const Calls calls = arguments(context, layer, true);
  const CallArg scratch = context.scratch(layer.rows() * kFloatBytes);
  const auto n = [&](int64_t value) { return context.number(value); };
  for (int64_t d = 0; d < layer.directions; ++d) {
    const Weights weights = weights_of(context, d);
    std::vector<float> bias = recurrent_bias(context, layer, d);
    const size_t rows = bias.size() / 2;
    for (size_t i = 0; i < rows; ++i) bias[i] += bias[rows + i];
    bias.resize(rows);
    const int64_t at = d * layer.hidden;
    context.call(kLstm,
                 {calls.x, moved(calls.y, at), moved(calls.h, at), moved(calls.c, at), scratch, moved(calls.h0, at),
                  moved(calls.c0, at), weights.w, weights.r, weights.scales, float_data(context, "bias", bias),
                  n(layer.steps), n(layer.inputs), n(layer.hidden), n(layer.inputs), n(layer.directions * layer.hidden),
                  n(is_reverse(context.node(), d) ? 1 : 0)});
  }
}

void code_gru(CodeContext& context) {
  constexpr std::string_view kDefaults[] = {"Sigmoid", "Tanh"};
  constexpr RecurrentActivation::Kind kFunctions[] = {RecurrentActivation::Kind::kSigmoid,
                                                      RecurrentActivation::Kind::kTanh};
  const RecurrentLayer layer = layer_of(context, 3);
  require_functions(context, layer, kDefaults, kFunctions);
  if (code_recurrent_s16(context, layer)) return;
  const Calls calls = arguments(context, layer, false);
  const CallArg scratch = context.scratch((layer.rows() + layer.hidden) * kFloatBytes);
  const auto n = [&](int64_t value) { return context.number(value); };
  for (int64_t d = 0; d < layer.directions; ++d) {
    const Weights weights = weights_of(context, d);
    const int64_t at = d * layer.hidden;
    context.call(kGru,
                 {calls.x, moved(calls.y, at), moved(calls.h, at), scratch, moved(calls.h0, at), weights.w, weights.r,
                  weights.scales, float_data(context, "bias", recurrent_bias(context, layer, d)), n(layer.steps),
                  n(layer.inputs), n(layer.hidden), n(layer.inputs), n(layer.directions * layer.hidden),
                  n(is_reverse(context.node(), d) ? 1 : 0), n(int_attr(context.node(), "linear_before_reset"))});
  }
}

}  // namespace tinyc
