// MaxPool: the largest element under each window; optional output 1 is where it stands in the whole operand (flat, with
// the two innermost axes swapped if storage_order is 1). Padding never wins. Quantized: moves elements, keeps
// parameters.
#include <limits>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/element_types.h"
#include "ops/kernels/pooling.h"
#include "ops/window.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"auto_pad", "NOTSET"},
                                        {"ceil_mode", 0},
                                        {"dilations", AttributeType::kInts},
                                        {"kernel_shape", AttributeType::kInts},
                                        {"pads", AttributeType::kInts},
                                        {"storage_order", 0},
                                        {"strides", AttributeType::kInts}};

using PoolTypes = TypeList<float, double, int8_t, uint8_t>;

void infer(InferContext& context) {
  const Shape y = pooled_shape(context);
  context.set_output(0, context.dtype(0), y);
  if (context.output_count() > 1) context.set_output(1, DataType::kInt64, y);
}

// Flat index of a position within a plane when columns, not rows, are stored one after the other.
int64_t column_major(const Window& window, int64_t position) {
  const int64_t height = window.axes[1].in, width = window.axes[2].in;
  const int64_t x = position % width, y = position / width % height, z = position / (width * height);
  return (z * width + x) * height + y;
}

template <typename T>
void run_reference(EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const Window window = pool_window(context.node(), dims);
  const bool swapped = int_attr(context.node(), "storage_order") != 0;
  const T* x = context.in<T>(0).data();
  T* y = context.out<T>(0).data();
  int64_t* where = context.has_output(1) ? context.out<int64_t>(1).data() : nullptr;
  for (int64_t plane = 0; plane < dims[0] * dims[1]; ++plane) {
    const T* x_plane = x + plane * window.in_count();
    for_each_position(window, [&](const std::array<int64_t, 3>& at, int64_t /*flat*/) {
      T best = std::numeric_limits<T>::lowest();
      int64_t best_at = -1;
      for_each_tap(window, at, [&](int64_t /*tap*/, int64_t position) {
        if (best_at >= 0 && !(x_plane[position] > best)) return;
        best = x_plane[position];
        best_at = position;
      });
      *y++ = best;
      if (where == nullptr) return;
      *where++ = plane * window.in_count() + (swapped ? column_major(window, best_at) : best_at);
    });
  }
}

void eval(EvalContext& context) {
  visit_type(PoolTypes(), context.input(0).dtype(),
             [&]<typename T>(std::type_identity<T> /*type*/) { run_reference<T>(context); });
}

// Floats, one or two spatial axes, no indices.
Kernel prepare(const PrepareContext& context) {
  const Dims dims = *context.inputs[0].shape.known_dims();
  if (context.inputs[0].dtype != DataType::kFloat || dims.size() > 4 || context.outputs.size() > 1 ||
      element_count(dims) == 0 || element_count(dims) > std::numeric_limits<int32_t>::max()) {
    return {};
  }
  const Window window = pool_window(context.node, dims);
  return [pool = kernels::Pool(kernels::Pooling::kMax, plane_axis(window.axes[1]), plane_axis(window.axes[2]), {}),
          planes = dims[0] * dims[1]](EvalContext& run) {
    float* scratch = run.scratch_floats(static_cast<size_t>(pool.scratch_size()));
    pool.run(run.in<float>(0).data(), planes, run.out<float>(0).data(), scratch);
  };
}

}  // namespace

extern const OpDef k_max_pool{
    .name = "MaxPool",
    .outputs = {1, 2},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .code = code_max_pool,
    // Result 1 counts through all channels.
    .axes = [](const AxesContext& c) { return c.outputs.size() == 1 ? plane_axes(c) : std::nullopt; },
    .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kPool},
};

}  // namespace tinyc
