// Elementwise ops in float on a device.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kMap = TINYC_KERNEL(tc_map_f32, "map_f32.h");
constexpr KernelDef kPRelu = TINYC_KERNEL(tc_prelu_f32, "map_f32.h");
constexpr KernelDef kBinary = TINYC_KERNEL(tc_binary_f32, "binary_f32.h");
constexpr KernelDef kAffine = TINYC_KERNEL(tc_affine_f32, "normalize_f32.h");

struct Map {
  std::string_view op;
  int32_t function;
  std::vector<float> (*parameters)(const CodeContext& context);
};

std::vector<float> none(const CodeContext& /*context*/) {
  return {};
}

std::vector<float> alpha(const CodeContext& context) {
  return {float_attr(context.node(), "alpha")};
}

float limit(const CodeContext& context, int idx, float otherwise) {
  if (!context.has_input(idx)) return otherwise;
  if (context.constant(idx) == nullptr) context.refuse("a limit is computed");
  return context.constant(idx)->to_float()[0];
}

std::vector<float> clip(const CodeContext& context) {
  constexpr float kMost = std::numeric_limits<float>::max();
  return {limit(context, 1, -kMost), limit(context, 2, kMost)};
}

const Map kMaps[] = {
    {"Relu", TC_MAP_CLAMP,
     [](const CodeContext&) {
       return std::vector{0.0F, std::numeric_limits<float>::max()};
     }},
    {"Clip", TC_MAP_CLAMP, clip},
    {"LeakyRelu", TC_MAP_LEAKY, alpha},
    {"Abs", TC_MAP_ABS, none},
    {"Neg", TC_MAP_NEG, none},
    {"Reciprocal", TC_MAP_RECIPROCAL, none},
    {"Sqrt", TC_MAP_SQRT, none},
    {"HardSigmoid", TC_MAP_HARD_SIGMOID,
     [](const CodeContext& c) {
       return std::vector{float_attr(c.node(), "alpha"), float_attr(c.node(), "beta")};
     }},
    {"HardSwish", TC_MAP_HARD_SWISH, none},
    {"Exp", TC_MAP_EXP, none},
    {"Log", TC_MAP_LOG, none},
    {"Tanh", TC_MAP_TANH, none},
    {"Sigmoid", TC_MAP_SIGMOID, none},
    {"Erf", TC_MAP_ERF, none},
    {"Softplus", TC_MAP_SOFTPLUS, none},
    {"Elu", TC_MAP_ELU, alpha},
    {"Softsign", TC_MAP_SOFTSIGN, none},
    {"QuickGelu", TC_MAP_SWISH, alpha},
};

// An axis of the result as both operands are read along it.
struct Step {
  int64_t extent, a, b;
};

// A quotient by one constant, a power with one constant: a function of one operand, which a table gives.
bool by_one_constant(const CodeContext& context) {
  const Tensor* constant = context.constant(1);
  return all_integer(context, 1) && constant != nullptr && constant->size() == 1 &&
         constant->dtype() == DataType::kFloat;
}

// The axes in memory order, those that are walked in one go merged into one; four, ones in front.
std::vector<Step> merge_axes(const CodeContext& context, const Dims& dims, const Order& order, const Dims& a,
                             const Dims& b) {
  std::vector<Step> steps;
  for (int axis : order) {
    const auto i = static_cast<size_t>(axis);
    const Step next{dims[i], a[i], b[i]};
    if (next.extent == 1) continue;
    if (!steps.empty() && steps.back().a == next.a * next.extent && steps.back().b == next.b * next.extent) {
      steps.back() = {steps.back().extent * next.extent, next.a, next.b};
    } else {
      steps.push_back(next);
    }
  }
  if (steps.size() > 4) context.refuse("its operands are repeated along too many axes");
  steps.insert(steps.begin(), 4 - steps.size(), {1, 0, 0});
  return steps;
}

}  // namespace

bool all_integer(const CodeContext& context, int count) {
  for (int i = 0; i < count; ++i) {
    if (!context.is_integer(i)) return false;
  }
  return context.is_result_integer();
}

Dims strides_of(std::span<const int64_t> dims, const Order& order) {
  Dims strides(dims.size(), 1);
  int64_t stride = 1;
  for (size_t k = order.size(); k-- > 0;) {
    strides[static_cast<size_t>(order[k])] = stride;
    stride *= dims[static_cast<size_t>(order[k])];
  }
  return strides;
}

Dims broadcast_strides(const Dims& dims, const Order& order, size_t rank) {
  const Dims own = strides_of(dims, order);
  Dims strides(rank, 0);
  for (size_t i = 0; i < dims.size(); ++i) strides[rank - dims.size() + i] = dims[i] == 1 ? 0 : own[i];
  return strides;
}

Order order_without(const Order& order, size_t dropped) {
  Order result;
  for (int axis : order) {
    if (std::cmp_greater_equal(axis, dropped)) result.push_back(axis - static_cast<int>(dropped));
  }
  return result;
}

CallArg float_data(CodeContext& context, std::string_view role, std::vector<float> values) {
  if (values.empty()) return context.scratch(0);
  const auto count = static_cast<int64_t>(values.size());
  return context.data(role, Tensor::of<float>({count}, values));
}

CallArg no_limits(CodeContext& context) {
  constexpr float kMost = std::numeric_limits<float>::max();
  return float_data(context, "limits", {-kMost, kMost});
}

void code_map_f32(CodeContext& context) {
  const Node& node = context.node();
  int32_t function = 0;
  std::vector<float> parameters;
  if (node.op->name == "Gelu") {
    const bool by_tanh = node.op->domain.empty() && string_attr(node, "approximate") == "tanh";
    function = by_tanh ? TC_MAP_GELU_TANH : TC_MAP_GELU;
  } else {
    const auto* const found =
        std::find_if(std::begin(kMaps), std::end(kMaps), [&](const Map& m) { return m.op == node.op->name; });
    if (found == std::end(kMaps)) context.refuse("there is no device kernel for this op in float");
    function = found->function;
    parameters = found->parameters(context);
  }
  const Order order = context.order_of(0, channels_last(static_cast<int>(context.dims(0).size())));
  const CallArg in = context.in_float(0, order);
  const CallArg out = context.out_float(order);
  context.call(kMap, {in, out, float_data(context, "parameters", parameters),
                      context.number(element_count(context.dims(0))), context.number(function)});
  context.overlap_below(out, in, 0);
}

void code_binary_f32(CodeContext& context, int32_t function) {
  if (context.node().inputs.size() != 2) context.refuse("it has not two operands");
  const Dims dims = context.result_dims();
  const size_t rank = dims.size();
  const int whole = context.dims(0) == dims && context.constant(0) == nullptr ? 0 : 1;
  const Order wanted = channels_last(static_cast<int>(rank));
  const bool keeps_order = context.dims(whole) == dims && context.constant(whole) == nullptr;
  const Order order = keeps_order ? context.order_of(whole, wanted) : wanted;
  CallArg operands[2];
  Dims strides[2];
  for (int i = 0; i < 2; ++i) {
    const Dims own = context.dims(i);
    const Order own_order = order_without(order, rank - own.size());
    operands[i] = context.in_float(i, own_order);
    strides[i] = broadcast_strides(own, own_order, rank);
  }
  const CallArg out = context.out_float(order);
  const std::vector<Step> steps = merge_axes(context, dims, order, strides[0], strides[1]);
  std::vector<CallArg> args = {operands[0], operands[1], out, context.number(function)};
  for (const Step& step : steps) args.push_back(context.number(step.extent));
  for (const Step& step : steps) args.push_back(context.number(step.a));
  for (const Step& step : steps) args.push_back(context.number(step.b));
  context.call(kBinary, std::move(args));
  for (int i = 0; i < 2; ++i) {
    if (operands[i].kind == CallArg::Kind::kRead && context.dims(i) == dims) {
      context.overlap_below(out, operands[i], 0);
    }
  }
}

void code_div(CodeContext& context) {
  return by_one_constant(context) ? code_table(context) : code_binary_f32(context, TC_BINARY_DIV);
}

void code_pow(CodeContext& context) {
  return by_one_constant(context) ? code_table(context) : code_binary_f32(context, TC_BINARY_POW);
}

void code_prelu_f32(CodeContext& context) {
  const Dims dims = context.dims(0);
  const Dims slope = context.dims(1);
  const int rank = static_cast<int>(dims.size());
  const Order order = channels_last(rank);
  const int64_t count = element_count(slope);
  const auto last = static_cast<size_t>(order.back());
  const bool by_channel = last + slope.size() >= dims.size() && count == dims[last] &&
                          slope[slope.size() - (dims.size() - last)] == dims[last];
  if (count != 1 && !by_channel) context.refuse("it has another slope than one for each channel");
  const CallArg in = context.in_float(0, order);
  const CallArg slopes = context.in_float(1, plain_order(static_cast<int>(slope.size())));
  const CallArg out = context.out_float(order);
  context.call(kPRelu, {in, out, slopes, context.number(element_count(dims)), context.number(count)});
  context.overlap_below(out, in, 0);
}

// (x - mean) / sqrt(var + epsilon) * scale + bias as one product and one sum for each channel.
void code_batch_normalization(CodeContext& context) {
  const Dims dims = context.dims(0);
  std::vector<std::vector<float>> moments;
  for (int i = 1; i < 5; ++i) {
    if (context.constant(i) == nullptr) context.refuse("its moments are computed");
    moments.push_back(context.constant(i)->to_float());
  }
  if (int_attr(context.node(), "training_mode") != 0) context.refuse("it is in training mode");
  const auto epsilon = static_cast<double>(float_attr(context.node(), "epsilon"));
  std::vector<float> scale;
  std::vector<float> bias;
  for (size_t c = 0; c < moments[0].size(); ++c) {
    const double factor = moments[0][c] / std::sqrt(static_cast<double>(moments[3][c]) + epsilon);
    scale.push_back(static_cast<float>(factor));
    bias.push_back(static_cast<float>(moments[1][c] - moments[2][c] * factor));
  }
  const Order order = channels_last(static_cast<int>(dims.size()));
  const CallArg in = context.in_float(0, order);
  const CallArg out = context.out_float(order);
  const auto channels = static_cast<int64_t>(scale.size());
  context.call(kAffine, {in, out, float_data(context, "scale", scale), float_data(context, "bias", bias),
                         context.number(element_count(dims)), context.number(channels)});
  context.overlap_same_start(out, in);
}

}  // namespace tinyc
