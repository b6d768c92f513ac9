// Squeeze and Unsqueeze: dims of one taken out or put in. Axes are operand 1 (an attribute before opset 13).
#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

Shape squeeze_listed(InferContext& c, std::span<const int64_t> listed) {
  const Shape& shape = c.shape(0);
  const std::vector<int> axes = normalize_axes(listed, shape.rank());
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) {
      out.push_back(shape[i]);
    } else if (shape[i].known() && shape[i].value != 1) {
      c.fail_input(0, "has shape " + to_string(shape) + ", whose axis " + std::to_string(i) + " is not one long");
    }
  }
  return out;
}

Shape squeeze_ones(const Shape& shape) {
  Shape out;
  for (const Dim& dim : shape.dims()) {
    if (!dim.known()) return Shape::unranked();
    if (dim.value != 1) out.push_back(dim);
  }
  return out;
}

void infer_squeeze(InferContext& c) {
  const Shape& shape = c.shape(0);
  const auto axes = known_ints(c, 1);
  Shape out = Shape::unranked();
  if (shape.ranked() && axes) {
    out = squeeze_listed(c, *axes);
  } else if (shape.ranked() && !c.has_input(1)) {
    out = squeeze_ones(shape);
  }
  c.set_output(0, c.dtype(0), std::move(out));
  forward_dims_value(c);
}

void infer_unsqueeze(InferContext& c) {
  const Shape& shape = c.shape(0);
  const auto listed = known_ints(c, 1);
  if (!shape.ranked() || !listed) {
    const int64_t count = vector_length(c, 1);
    const bool known = shape.ranked() && count >= 0 && count <= kMaxRank;
    return c.set_output(0, c.dtype(0), known ? open_shape(shape.rank() + static_cast<int>(count)) : Shape::unranked());
  }
  if (listed->size() > kMaxRank) c.fail_input(1, "lists " + std::to_string(listed->size()) + " axes");
  const int rank = shape.rank() + static_cast<int>(listed->size());
  const std::vector<int> axes = normalize_axes(*listed, rank);
  Shape out;
  int from = 0;
  for (int i = 0; i < rank; ++i) {
    const bool added = std::find(axes.begin(), axes.end(), i) != axes.end();
    out.push_back(added ? Dim(1) : shape[from++]);
  }
  c.set_output(0, c.dtype(0), std::move(out));
  if (rank <= 1) forward_dims_value(c);
}

}  // namespace

extern constinit const OpDef k_squeeze{.name = "Squeeze",
                                       .inputs = {1, 2},
                                       .outputs = {1, 1},
                                       .attributes = {},
                                       .infer = infer_squeeze,
                                       .eval = copy_input,
                                       .code = code_reshape,
                                       .is_view = true,
                                       .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

extern constinit const OpDef k_unsqueeze{.name = "Unsqueeze",
                                         .inputs = {2, 2},
                                         .outputs = {1, 1},
                                         .attributes = {},
                                         .infer = infer_unsqueeze,
                                         .eval = copy_input,
                                         .code = code_reshape,
                                         .is_view = true,
                                         .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
