// Gather: out[a.., i.., b..] = data[a.., indices[i..], b..]: whole slices picked along one axis. Embedding look-ups and
// the "take dim k of this shape" of shape arithmetic are both this.
#include <algorithm>
#include <cstring>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", 0}};

void pick_dims(InferContext& c) {
  const auto values = shape_arithmetic(c, 0);
  const auto indices = known_ints(c, 1);
  if (!values || !indices || c.shape(0).rank() != 1) return;
  Shape picked;
  for (const int64_t index : *indices)
    picked.push_back((*values)[static_cast<int>(checked_index(index, values->rank()))]);
  c.set_dims_value(0, std::move(picked));
}

void infer(InferContext& c) {
  const Shape& data = c.shape(0);
  const Shape& indices = c.shape(1);
  if (!data.ranked() || !indices.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  const int axis = normalize_axis(int_attr(c.node(), "axis"), data.rank());
  Shape out;
  for (int i = 0; i < axis; ++i) out.push_back(data[i]);
  for (const Dim& dim : indices.dims()) out.push_back(dim);
  for (int i = axis + 1; i < data.rank(); ++i) out.push_back(data[i]);
  c.set_output(0, c.dtype(0), std::move(out));
  if (indices.rank() <= 1) pick_dims(c);
}

void eval(EvalContext& c) {
  const Tensor& data = c.input(0);
  const auto indices = c.input(1).to_int64();
  const int axis = normalize_axis(int_attr(c.node(), "axis"), data.rank());
  const int64_t size = data.dims()[static_cast<size_t>(axis)];
  const int64_t outer = count_between(data.dims(), 0, axis);
  const size_t slice =
      static_cast<size_t>(count_between(data.dims(), axis + 1, data.rank())) * element_bytes(data.dtype());
  std::byte* out = c.output(0).mutable_bytes();
  for (int64_t o = 0; o < outer; ++o) {
    for (const int64_t index : indices) {
      const auto from = static_cast<size_t>(o * size + checked_index(index, size));
      std::memcpy(out, data.bytes() + from * slice, slice);
      out += slice;
    }
  }
}

// Indices count among what is left; those of slices that went go.
bool resize(ResizeContext& c) {
  if (!c.has_constant(1) || c.constants[1].rank() > 1) return false;
  const auto axis = static_cast<size_t>(normalize_axis(int_attr(c.node, "axis"), static_cast<int>(c.inputs[0].size())));
  const std::vector<int64_t>& kept = c.inputs[0][axis];
  if (kept.empty()) return true;
  std::vector<int64_t> indices;
  for (const int64_t index : c.constants[1].to_int64()) {
    const auto at = std::lower_bound(kept.begin(), kept.end(), checked_index(index, c.input_extent(0, axis)));
    if (at != kept.end() && *at == checked_index(index, c.input_extent(0, axis))) indices.push_back(at - kept.begin());
  }
  if (c.constants[1].rank() == 0 && indices.empty()) return false;
  const Dims dims = c.constants[1].rank() == 0 ? Dims() : Dims{static_cast<int64_t>(indices.size())};
  c.constants[1] = Tensor::of<int64_t>(dims, indices);
  return true;
}

}  // namespace

extern constinit const OpDef k_gather{.name = "Gather",
                                      .inputs = {2, 2},
                                      .outputs = {1, 1},
                                      .attributes = kAttributes,
                                      .infer = infer,
                                      .eval = eval,
                                      .code = code_gather,
                                      .resize = resize,
                                      .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
