// PRelu on a device: a slope for each channel in integers; any other in float.
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "ops/code/table.h"

namespace tinyc {
namespace {

constexpr KernelDef kPRelu = TINYC_KERNEL(tc_prelu_s8, "prelu_s8.h");
constexpr int kLeft = 20;  // of the kernel

// By index of that axis; empty where the slope changes along another.
std::vector<float> slopes_of(const CodeContext& context, size_t axis) {
  if (context.constant(1) == nullptr) return {};
  const auto count = static_cast<size_t>(context.dims(0)[axis]);
  std::vector<float> slopes = real_constant(context, 1);
  if (slopes.size() == 1) slopes.assign(count, slopes[0]);
  const Dims dims = context.dims(1);
  const size_t behind = context.dims(0).size() - axis;
  const bool along = context.constant(1)->size() == 1 ||
                     (dims.size() >= behind && dims[dims.size() - behind] == context.dims(0)[axis]);
  return along && slopes.size() == count ? slopes : std::vector<float>();
}

}  // namespace

void code_prelu(CodeContext& context) {
  const Dims dims = context.dims(0);
  const Order order = channels_last(static_cast<int>(dims.size()));
  const std::vector<float> slopes = all_integer(context, 1) && !dims.empty()
                                        ? slopes_of(context, static_cast<size_t>(order.back()))
                                        : std::vector<float>();
  if (slopes.empty()) return code_prelu_f32(context);
  const Grid in = context.grid(0);
  const Grid out = context.result_grid();
  const double ratio = std::ldexp(static_cast<double>(in.scale) / static_cast<double>(out.scale), -kLeft);
  std::vector<double> ratios = {ratio};
  for (float slope : slopes) ratios.push_back(ratio * std::abs(static_cast<double>(slope)));
  for (double value : ratios) {
    if (value >= kMostRatio) context.refuse("the grid of its result is too fine");
  }
  const Requantization r = requantize_by(ratios, out.zero_point);
  std::vector<int32_t> multipliers(r.multipliers.begin() + 1, r.multipliers.end());
  for (size_t c = 0; c < slopes.size(); ++c) {
    if (slopes[c] < 0) multipliers[c] = -multipliers[c];
  }
  const auto count = static_cast<int64_t>(slopes.size());
  const CallArg from = context.in(0, order);
  const CallArg to = context.out(order);
  const auto n = [&](int64_t value) { return context.number(value); };
  context.call(kPRelu, {from, to, context.data("slopes", Tensor::of<int32_t>({count}, multipliers)),
                        n(element_count(dims) / count), n(count), n(in.zero_point), n(r.multipliers[0]), n(r.rounding),
                        n(r.shift), n(out.low), n(out.high)});
  context.overlap_below(to, from, 0);
}

}  // namespace tinyc
