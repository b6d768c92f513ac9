// AveragePool: the mean of the elements under each window. Padding counts as zeros if count_include_pad is set; what a
// window in ceil_mode covers beyond the padding never counts. Quantized: integers in and out.
#include <algorithm>
#include <limits>
#include <vector>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/element_types.h"
#include "ops/kernels/pooling.h"
#include "ops/window.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"auto_pad", "NOTSET"},
                                        {"ceil_mode", 0},
                                        {"count_include_pad", 0},
                                        {"dilations", AttributeType::kInts},
                                        {"kernel_shape", AttributeType::kInts},
                                        {"pads", AttributeType::kInts},
                                        {"strides", AttributeType::kInts}};

void infer(InferContext& context) {
  context.set_output(0, context.dtype(0), pooled_shape(context));
}

// Taps of the window at `at` that lie inside the padded input.
int64_t padded_taps(const Window& window, const std::array<int64_t, 3>& at) {
  int64_t count = 1;
  for (size_t i = 0; i < 3; ++i) {
    const WindowAxis& axis = window.axes[i];
    const int64_t last_start = axis.in + axis.pad_end - 1 - axis.first(at[i]);
    count *= std::min(axis.kernel, last_start / axis.dilation + 1);
  }
  return count;
}

// Elements under the window at `at` that count.
int64_t counted_taps(const Window& window, const std::array<int64_t, 3>& at, bool with_padding) {
  if (with_padding) return padded_taps(window, at);
  int64_t count = 0;
  for_each_tap(window, at, [&](int64_t /*tap*/, int64_t /*position*/) { ++count; });
  return count;
}

template <typename T>
void run_reference(EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const Window window = pool_window(context.node(), dims);
  const bool with_padding = int_attr(context.node(), "count_include_pad") != 0;
  const T* x = context.in<T>(0).data();
  T* y = context.out<T>(0).data();
  for (int64_t plane = 0; plane < dims[0] * dims[1]; ++plane, x += window.in_count()) {
    for_each_position(window, [&](const std::array<int64_t, 3>& at, int64_t /*flat*/) {
      T sum{0};
      for_each_tap(window, at, [&](int64_t /*tap*/, int64_t position) { sum += x[position]; });
      const int64_t count = counted_taps(window, at, with_padding);
      *y++ = count == 0 ? T{0} : sum / static_cast<T>(count);
    });
  }
}

void eval(EvalContext& context) {
  visit_type(FloatTypes(), context.input(0).dtype(),
             [&]<typename T>(std::type_identity<T> /*type*/) { run_reference<T>(context); });
}

// Floats, one or two spatial axes.
Kernel prepare(const PrepareContext& context) {
  const Dims dims = *context.inputs[0].shape.known_dims();
  if (context.inputs[0].dtype != DataType::kFloat || dims.size() > 4 || element_count(dims) == 0 ||
      element_count(dims) > std::numeric_limits<int32_t>::max()) {
    return {};
  }
  const Window window = pool_window(context.node, dims);
  const bool with_padding = int_attr(context.node, "count_include_pad") != 0;
  std::vector<float> counts;
  for_each_position(window, [&](const std::array<int64_t, 3>& at, int64_t /*flat*/) {
    // A window that covers nothing but padding has the sum 0.
    counts.push_back(static_cast<float>(std::max<int64_t>(1, counted_taps(window, at, with_padding))));
  });
  return [pool = kernels::Pool(kernels::Pooling::kAverage, plane_axis(window.axes[1]), plane_axis(window.axes[2]),
                               std::move(counts)),
          planes = dims[0] * dims[1]](EvalContext& run) {
    float* scratch = run.scratch_floats(static_cast<size_t>(pool.scratch_size()));
    pool.run(run.in<float>(0).data(), planes, run.out<float>(0).data(), scratch);
  };
}

}  // namespace

extern const OpDef k_average_pool{
    .name = "AveragePool",
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .code = code_average_pool,
    .axes = plane_axes,
    .quant = {.kind = QuantKind::kCompute, .scaling = Scaling::kPool},
};

}  // namespace tinyc
