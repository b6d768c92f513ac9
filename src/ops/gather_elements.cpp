// GatherElements: out[i, j, k] = data[i, indices[i, j, k], k] (for axis 1): one element picked per index.
#include <cstring>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"
#include "ops/odometer.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", 0}};

void infer(InferContext& c) {
  const Shape& data = c.shape(0);
  const Shape& indices = c.shape(1);
  c.set_output(0, c.dtype(0), indices.ranked() ? indices : data.ranked() ? open_shape(data.rank()) : data);
  if (!data.ranked() || !indices.ranked()) return;
  c.require_rank(1, data.rank());
  const int axis = normalize_axis(int_attr(c.node(), "axis"), data.rank());
  for (int i = 0; i < data.rank(); ++i) {
    if (i != axis && data[i].known() && indices[i].known() && indices[i].value > data[i].value) {
      c.fail_input(1, "has shape " + to_string(indices) + ", larger than the data's " + to_string(data));
    }
  }
}

void eval(EvalContext& c) {
  const Tensor& data = c.input(0);
  const auto indices = c.input(1).to_int64();
  const size_t element = element_bytes(data.dtype());
  const auto axis = static_cast<size_t>(normalize_axis(int_attr(c.node(), "axis"), data.rank()));
  Dims strides = strides_of(data.dims());
  const int64_t along = std::exchange(strides[axis], 0);
  Odometer at(c.input(1).dims(), strides);
  std::byte* out = c.output(0).mutable_bytes();
  for (const int64_t index : indices) {
    const int64_t from = at.offset() + checked_index(index, data.dims()[axis]) * along;
    std::memcpy(out, data.bytes() + static_cast<size_t>(from) * element, element);
    out += element;
    at.next();
  }
}

}  // namespace

extern constinit const OpDef k_gather_elements{.name = "GatherElements",
                                               .inputs = {2, 2},
                                               .outputs = {1, 1},
                                               .attributes = kAttributes,
                                               .infer = infer,
                                               .eval = eval,
                                               .code = code_selection,
                                               .quant = {.kind = QuantKind::kSameAsInput}};

}  // namespace tinyc
