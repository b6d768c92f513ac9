// HannWindow, HammingWindow, BlackmanWindow: a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N), N the size, or the size less
// one for a window that is symmetric rather than periodic.
#include <cmath>
#include <numbers>

#include "ops/float_io.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"output_datatype", 1}, {"periodic", 1}};

struct Coefficients {
  double a0, a1, a2;
};

void infer(InferContext& c) {
  const auto size = known_scalar(c, 0);
  if (size && *size < 0) c.fail_input(0, "asks for a window of " + std::to_string(*size));
  c.set_output(0, static_cast<DataType>(int_attr(c.node(), "output_datatype")), {size ? Dim(*size) : Dim()});
}

void eval(EvalContext& c, const Coefficients& a) {
  const int64_t size = c.output(0).size();
  const int64_t period = int_attr(c.node(), "periodic") != 0 ? size : size - 1;
  FloatOutput out(c.output(0));
  for (int64_t n = 0; n < size; ++n) {
    const double phase =
        period == 0 ? 0.0 : 2.0 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(period);
    out[n] = static_cast<float>(a.a0 - a.a1 * std::cos(phase) + a.a2 * std::cos(2.0 * phase));
  }
  out.store();
}

constexpr std::string_view kWhyFloat = "makes a constant";

}  // namespace

extern const OpDef k_hann_window{
    .name = "HannWindow",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval =
        [](EvalContext& c) {
          eval(c, {0.5, 0.5, 0.0});
        },
    .quant = {.why_float = kWhyFloat},
};

extern const OpDef k_hamming_window{
    .name = "HammingWindow",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval =
        [](EvalContext& c) {
          eval(c, {25.0 / 46.0, 21.0 / 46.0, 0.0});
        },
    .quant = {.why_float = kWhyFloat},
};

extern const OpDef k_blackman_window{
    .name = "BlackmanWindow",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval =
        [](EvalContext& c) {
          eval(c, {0.42, 0.5, 0.08});
        },
    .quant = {.why_float = kWhyFloat},
};

}  // namespace tinyc
