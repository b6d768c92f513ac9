// TopK: the k largest (or smallest) elements along an axis and where they were; of equal ones the first. The result is
// in order, also where `sorted` does not ask for it. Quantized: the values keep their operand's scale.
#include <numeric>

#include "ops/axis_layout.h"
#include "ops/elementwise.h"
#include "ops/infer_util.h"
#include "ops/scalar_operand.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", -1}, {"largest", 1}, {"sorted", 1}};

void infer(InferContext& context) {
  Shape shape = context.shape(0);
  if (shape.ranked()) {
    Dim& dim = shape[normalize_axis(int_attr(context.node(), "axis"), shape.rank())];
    const auto k = known_scalar(context, 1);
    if (k && (*k < 0 || (dim.known() && *k > dim.value))) {
      context.fail_input(1, "asks for " + std::to_string(*k) + " elements of " +
                                (dim.known() ? std::to_string(dim.value) : std::string("an axis")));
    }
    dim = k ? Dim(*k) : Dim();
  }
  context.set_output(0, context.dtype(0), shape);
  context.set_output(1, DataType::kInt64, std::move(shape));
}

// The first k of `order` become the indices of the k best elements of a line, best first.
template <typename T>
void select(const T* x, int64_t step, bool largest, int64_t k, std::vector<int64_t>& order) {
  std::iota(order.begin(), order.end(), int64_t{0});
  std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t a, int64_t b) {
    const T left = x[a * step], right = x[b * step];
    // NaN counts as larger than any number: the order must be total.
    const bool left_is_nan = left != left, right_is_nan = right != right;
    if (left_is_nan != right_is_nan) return largest ? left_is_nan : right_is_nan;
    if (!left_is_nan && left != right) return largest ? left > right : left < right;
    return a < b;
  });
}

void eval(EvalContext& context) {
  if (eval_in_float(context, eval)) return;
  const Tensor& input = context.input(0);
  const AxisLayout layout(input.dims(), normalize_axis(int_attr(context.node(), "axis"), input.rank()));
  const bool largest = int_attr(context.node(), "largest") != 0;
  const int64_t k = scalar_operand(context, 1);
  visit_type(NumericTypes(), input.dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    T* values = context.out<T>(0).data();
    int64_t* indices = context.has_output(1) ? context.out<int64_t>(1).data() : nullptr;
    std::vector<int64_t> order(static_cast<size_t>(layout.count));
    layout.for_each_line([&](int64_t line, int64_t start) {
      select(x + start, layout.inner, largest, k, order);
      const int64_t to = line / layout.inner * k * layout.inner + line % layout.inner;
      for (int64_t i = 0; i < k; ++i) {
        const int64_t from = order[static_cast<size_t>(i)];
        values[to + i * layout.inner] = x[start + from * layout.inner];
        if (indices != nullptr) indices[to + i * layout.inner] = from;
      }
    });
  });
}

}  // namespace

extern const OpDef k_top_k{
    .name = "TopK",
    .inputs = {2, 2},
    .outputs = {1, 2},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kSameAsInput},
};

}  // namespace tinyc
