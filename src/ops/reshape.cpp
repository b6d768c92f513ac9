// Reshape: the same elements under other dims. The shape operand may say 0 (copy the dim, unless allowzero) and one -1
// (whatever is left). Opset 21 form; before opset 5 the shape was an attribute.
//
// With open dims, what is left can still be certain: sizes that stand on both sides cancel, so [N,3,4] under [-1,12] is
// [N,12].
#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"allowzero", 0}};

// The dims asked for, and which of them is to be whatever is left (-1: none; two or more: kUnknown).
struct Target {
  static constexpr int kUnknown = -2;
  Shape shape;
  int rest = -1;
};

void add_rest(Target& target) {
  target.rest = target.rest == -1 ? target.shape.rank() : Target::kUnknown;
  target.shape.push_back(Dim());
}

void add_dim(Target& target, const Dim& dim, const Shape& input, bool allow_zero) {
  const int at = target.shape.rank();
  if (dim.known() && dim.value == 0 && !allow_zero && input.ranked()) {
    if (at >= input.rank())
      throw Error(ErrorKind::kModel, "dimension 0 of the shape copies a dimension that is not there");
    target.shape.push_back(input[at]);
  } else if (dim.known() && dim.value == 0 && !allow_zero) {
    target.shape.push_back(Dim());
  } else {
    target.shape.push_back(dim);
  }
}

// An open element without a symbol may be a -1 or any size: either way it is what is left, if it is the only one.
std::optional<Target> read_target(InferContext& c) {
  const bool allow_zero = int_attr(c.node(), "allowzero") != 0;
  Target target;
  if (const Tensor* value = c.value(1)) {
    for (const int64_t size : value->to_int64()) {
      if (size < -1) c.fail_input(1, "asks for a dimension of " + std::to_string(size));
      if (size == -1 && target.rest >= 0) c.fail_input(1, "has more than one -1");
      size == -1 ? add_rest(target) : add_dim(target, size, c.shape(0), allow_zero);
    }
    return target;
  }
  const auto dims = c.dims_value(1);
  if (!dims) return std::nullopt;
  for (const Dim& dim : dims->dims()) {
    !dim.known() && dim.symbol.empty() ? add_rest(target) : add_dim(target, dim, c.shape(0), allow_zero);
  }
  return target;
}

void cancel_symbols(std::vector<Dim>& a, std::vector<Dim>& b) {
  for (auto it = a.begin(); it != a.end();) {
    const auto twin =
        std::find_if(b.begin(), b.end(), [&](const Dim& dim) { return !dim.known() && dim.same_as(*it); });
    if (it->known() || twin == b.end()) {
      ++it;
    } else {
      b.erase(twin);
      it = a.erase(it);
    }
  }
}

// The known product of dims, and the only open one among them if there is one.
struct Product {
  int64_t known = 1;
  int open_count = 0;
  Dim open;
  explicit Product(std::span<const Dim> dims) {
    Dims sizes;
    for (const Dim& dim : dims) {
      if (dim.known()) {
        sizes.push_back(dim.value);
      } else {
        ++open_count;
        open = dim;
      }
    }
    known = element_count(sizes);
  }
};

void settle(InferContext& c, Target& target) {
  const Shape& input = c.shape(0);
  if (!input.ranked() || target.rest == Target::kUnknown) return;
  std::vector<Dim> have = input.dims();
  std::vector<Dim> asked = target.shape.dims();
  if (target.rest >= 0) asked.erase(asked.begin() + target.rest);
  cancel_symbols(have, asked);
  const Product left(have);
  const Product taken(asked);
  if (taken.open_count > 0 || left.open_count > 1) return;
  const bool fits = taken.known == 0 ? left.known == 0 && target.rest < 0 : left.known % taken.known == 0;
  if (left.open_count == 0 && (!fits || (target.rest < 0 && left.known != taken.known))) {
    c.fail_input(0, "has shape " + to_string(input) + ", which does not fit " + to_string(target.shape));
  }
  if (target.rest < 0) return;
  if (left.open_count == 0) target.shape[target.rest] = left.known / taken.known;
  if (left.open_count == 1 && left.known == taken.known) target.shape[target.rest] = left.open;
}

void infer(InferContext& c) {
  auto target = read_target(c);
  if (!target) {
    const int64_t rank = vector_length(c, 1);
    return c.set_output(0, c.dtype(0),
                        rank < 0 || rank > kMaxRank ? Shape::unranked() : open_shape(static_cast<int>(rank)));
  }
  settle(c, *target);
  const int rank = target->shape.rank();
  c.set_output(0, c.dtype(0), std::move(target->shape));
  if (rank <= 1) forward_dims_value(c);
}

// Known dims are said as numbers; those left open go on as they were said.
bool resize(ResizeContext& c) {
  if (!c.has_constant(1)) return false;
  std::vector<int64_t> target = c.constants[1].to_int64();
  if (target.size() != c.outputs[0].size()) return false;
  for (size_t i = 0; i < target.size(); ++i) {
    if (!c.outputs[0][i].empty()) target[i] = static_cast<int64_t>(c.outputs[0][i].size());
  }
  c.constants[1] = Tensor::of<int64_t>({static_cast<int64_t>(target.size())}, target);
  return true;
}

}  // namespace

extern constinit const OpDef k_reshape{.name = "Reshape",
                                       .inputs = {2, 2},
                                       .outputs = {1, 1},
                                       .attributes = kAttributes,
                                       .infer = infer,
                                       .eval = copy_input,
                                       .code = code_reshape,
                                       .resize = resize,
                                       .is_view = true,
                                       .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
