// ScatterElements: a copy of data in which, for axis 1, out[i, indices[i, j, k], k] is updates[i, j, k], or is combined
// with it. Scatter is its name from before opset 11.
#include <cstring>

#include "ops/common_infer.h"
#include "ops/movement.h"
#include "ops/odometer.h"
#include "ops/scatter_reduction.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", 0}, {"reduction", "none"}};
constexpr AttributeDef kScatterAttributes[] = {{"axis", 0}};

void infer(InferContext& c) {
  infer_same(c);
  const Shape& data = c.shape(0);
  const Shape& indices = c.shape(1);
  const Shape& updates = c.shape(2);
  if (c.dtype(2) != c.dtype(0)) c.fail_input(2, "has another element type than the data");
  if (indices.ranked() && updates.ranked()) {
    c.require_rank(2, indices.rank());
    for (int i = 0; i < indices.rank(); ++i) {
      if (indices[i].known() && updates[i].known() && indices[i].value != updates[i].value) {
        c.fail_input(2, "has shape " + to_string(updates) + ", unlike the indices' " + to_string(indices));
      }
    }
  }
  if (!data.ranked() || !indices.ranked()) return;
  c.require_rank(1, data.rank());
  const int axis = normalize_axis(int_attr(c.node(), "axis"), data.rank());
  for (int i = 0; i < data.rank(); ++i) {
    if (i != axis && data[i].known() && indices[i].known() && indices[i].value > data[i].value) {
      c.fail_input(1, "has shape " + to_string(indices) + ", larger than the data's " + to_string(data));
    }
  }
}

void scatter(EvalContext& c, std::string_view reduction) {
  copy_input(c);
  Tensor& out = c.output(0);
  const Landing land = landing_of(reduction, out.dtype());
  const auto indices = c.input(1).to_int64();
  const auto element = static_cast<int64_t>(element_bytes(out.dtype()));
  const auto axis = static_cast<size_t>(normalize_axis(int_attr(c.node(), "axis"), out.rank()));
  Dims strides = strides_of(out.dims());
  const int64_t along = std::exchange(strides[axis], 0);
  Odometer at(c.input(1).dims(), strides);
  std::byte* target = out.mutable_bytes();
  const std::byte* update = c.input(2).bytes();
  for (const int64_t index : indices) {
    const int64_t to = at.offset() + checked_index(index, out.dims()[axis]) * along;
    land(target + to * element, update, 1);
    update += element;
    at.next();
  }
}

constexpr std::string_view kWhyFloat = "updates and data have ranges of their own";

}  // namespace

extern constinit const OpDef k_scatter{.name = "Scatter",
                                       .inputs = {3, 3},
                                       .outputs = {1, 1},
                                       .attributes = kScatterAttributes,
                                       .infer = infer,
                                       .eval = [](EvalContext& c) { scatter(c, "none"); },
                                       .quant = {.why_float = kWhyFloat}};

extern constinit const OpDef k_scatter_elements{
    .name = "ScatterElements",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = [](EvalContext& c) { scatter(c, string_attr(c.node(), "reduction")); },
    .quant = {.why_float = kWhyFloat}};

}  // namespace tinyc
