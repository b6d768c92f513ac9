// Conv, Gemm and MatMul in float on a device.
#include <algorithm>

#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/window.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kConv = TINYC_KERNEL(tc_conv_f32, "conv_f32.h");
constexpr KernelDef kMatMul = TINYC_KERNEL(tc_matmul_f32, "matmul_f32.h");

}  // namespace

void code_conv_f32(CodeContext& context) {
  const Dims x = context.dims(0);
  const Dims w = context.dims(1);
  const int rank = static_cast<int>(x.size());
  if (rank > 4) context.refuse("it has three spatial axes");
  if (x[0] != 1) context.refuse("it works on a batch of " + std::to_string(x[0]));
  const std::span<const int64_t> spatial(x.begin() + 2, x.end());
  const Window window = read_window(context.node(), std::span(w).subspan(2)).over(spatial);
  const WindowAxis& h = window.axes[1];
  const WindowAxis& v = window.axes[2];
  const Order order = channels_last(rank);
  const CallArg in = context.in_float(0, order);
  const CallArg weights = context.in_float(1, order);
  const CallArg bias = context.has_input(2)
                           ? context.in_float(2, plain_order(1))
                           : float_data(context, "bias", std::vector<float>(static_cast<size_t>(w[0])));
  const CallArg out = context.out_float(order);
  const auto n = [&](int64_t value) { return context.number(value); };
  context.call(kConv, {in,
                       out,
                       weights,
                       bias,
                       no_limits(context),
                       n(h.in),
                       n(v.in),
                       n(x[1]),
                       n(h.out),
                       n(v.out),
                       n(w[0]),
                       n(h.kernel),
                       n(v.kernel),
                       n(h.stride),
                       n(v.stride),
                       n(h.pad_begin),
                       n(v.pad_begin),
                       n(h.dilation),
                       n(v.dilation),
                       n(int_attr(context.node(), "group"))});
}

void code_gemm_f32(CodeContext& context) {
  const Node& node = context.node();
  const Dims out_dims = context.result_dims();
  const bool turns_a = int_attr(node, "transA") != 0;
  const bool turns_b = int_attr(node, "transB") != 0;
  const Order order = plain_order(2);
  const CallArg a = context.in_float(0, order);
  const CallArg b = context.in_float(1, order);
  const int64_t rows = out_dims[0];
  const int64_t columns = out_dims[1];
  const int64_t inner = context.dims(0)[turns_a ? 0 : 1];
  CallArg bias = context.scratch(0);
  Dims bias_strides = {0, 0};
  if (context.has_input(2)) {
    const Order own = plain_order(static_cast<int>(context.dims(2).size()));
    bias = context.in_float(2, own);
    bias_strides = broadcast_strides(context.dims(2), own, 2);
  }
  const CallArg scale = float_data(context, "factors", {float_attr(node, "alpha"), float_attr(node, "beta")});
  const auto n = [&](int64_t value) { return context.number(value); };
  context.call(kMatMul, {a, b, context.out_float(order), bias, scale, no_limits(context), n(1), n(rows), n(inner),
                         n(columns), n(0), n(turns_a ? 1 : inner), n(turns_a ? rows : 1), n(0),
                         n(turns_b ? 1 : columns), n(turns_b ? inner : 1), n(bias_strides[0]), n(bias_strides[1])});
}

void code_matmul_f32(CodeContext& context) {
  const Dims a_dims = context.dims(0);
  const Dims b_dims = context.dims(1);
  const Dims out_dims = context.result_dims();
  if (a_dims.size() < 2 || b_dims.size() < 2) context.refuse("an operand is a vector");
  const auto operand = [&](int idx, const Dims& dims) {
    const Order order = plain_order(static_cast<int>(dims.size()));
    return context.in_float(idx, order);
  };
  const int64_t rows = a_dims[a_dims.size() - 2];
  const int64_t inner = a_dims.back();
  const int64_t columns = b_dims.back();
  const int64_t a_batches = element_count(a_dims) / std::max<int64_t>(1, rows * inner);
  const int64_t b_batches = element_count(b_dims) / std::max<int64_t>(1, inner * columns);
  const int64_t batches = std::max(a_batches, b_batches);
  if ((a_batches != batches && a_batches != 1) || (b_batches != batches && b_batches != 1)) {
    context.refuse("its operands are repeated along several axes");
  }
  const CallArg a = operand(0, a_dims);
  const CallArg b = operand(1, b_dims);
  const CallArg out = context.out_float(plain_order(static_cast<int>(out_dims.size())));
  const auto n = [&](int64_t value) { return context.number(value); };
  context.call(kMatMul,
               {a, b, out, context.scratch(0), float_data(context, "factors", {1.0F, 1.0F}), no_limits(context),
                n(batches), n(rows), n(inner), n(columns), n(a_batches == 1 ? 0 : rows * inner), n(inner), n(1),
                n(b_batches == 1 ? 0 : inner * columns), n(columns), n(1), n(0), n(0)});
}

}  // namespace tinyc
