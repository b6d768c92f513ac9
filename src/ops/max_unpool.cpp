// MaxUnpool: the inverse of MaxPool: each element put back to where its maximum stood, zeros elsewhere. The indices
// count over the whole tensor as the attributes say its dims; operand 2 may ask for larger dims, in which elements keep
// their coordinates.
#include <cstring>

#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {
    {"kernel_shape", AttributeType::kInts}, {"pads", AttributeType::kInts}, {"strides", AttributeType::kInts}};

// The dims that the attributes say.
Shape unpooled(const Node& node, const Shape& in) {
  const auto kernel = ints_attr(node, "kernel_shape");
  const auto pads = ints_attr(node, "pads");
  const auto strides = ints_attr(node, "strides");
  const size_t axes = in.dims().size() - 2;
  if (kernel.size() != axes || (!pads.empty() && pads.size() != 2 * axes) ||
      (!strides.empty() && strides.size() != axes)) {
    throw Error(ErrorKind::kModel, "attributes 'kernel_shape', 'pads' and 'strides' do not fit " + to_string(in));
  }
  Shape out = {in[0], in[1]};
  for (size_t i = 0; i < axes; ++i) {
    const Dim& dim = in.dims()[i + 2];
    if (!dim.known()) {
      out.push_back(Dim());
      continue;
    }
    int64_t size = 0;
    const int64_t pad = pads.empty() ? 0 : pads[i] + pads[i + axes];
    const bool overflow = __builtin_mul_overflow(dim.value - 1, strides.empty() ? 1 : strides[i], &size) ||
                          __builtin_add_overflow(size, kernel[i], &size) || __builtin_sub_overflow(size, pad, &size);
    if (overflow || size < 0)
      throw Error(ErrorKind::kModel, "attributes do not fit an input of shape " + to_string(in));
    out.push_back(size);
  }
  return out;
}

void infer(InferContext& c) {
  const Shape& in = c.shape(0);
  if (in.ranked() && in.rank() < 3) c.fail_input(0, "has rank " + std::to_string(in.rank()) + ", expected 3 or more");
  const Shape& indices = c.shape(1);
  if (in.known() && indices.known() && in != indices) {
    c.fail_input(1, "has shape " + to_string(indices) + ", expected " + to_string(in));
  }
  if (c.has_input(2)) {
    const auto asked = sizes_value(c, 2);
    if (asked && in.ranked() && asked->rank() != in.rank()) c.fail_input(2, "has another rank than the data");
    return c.set_output(0, c.dtype(0), asked ? *asked : in.ranked() ? open_shape(in.rank()) : Shape::unranked());
  }
  c.set_output(0, c.dtype(0), in.ranked() ? unpooled(c.node(), in) : Shape::unranked());
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const size_t element = element_bytes(in.dtype());
  const auto indices = c.input(1).to_int64();
  const Dims counted = *unpooled(c.node(), Shape(in.dims())).known_dims();
  const Dims strides = strides_of(counted);
  const Dims out_strides = strides_of(out.dims());
  const int64_t total = element_count(counted);
  std::memset(out.mutable_bytes(), 0, out.byte_size());
  for (size_t i = 0; i < indices.size(); ++i) {
    int64_t rest = checked_index(indices[i], total);
    int64_t to = 0;
    for (size_t axis = 0; axis < strides.size(); ++axis) {
      to += checked_index(rest / strides[axis], out.dims()[axis]) * out_strides[axis];
      rest %= strides[axis];
    }
    std::memcpy(out.mutable_bytes() + static_cast<size_t>(to) * element, in.bytes() + i * element, element);
  }
}

}  // namespace

extern const OpDef k_max_unpool{
    .name = "MaxUnpool",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kSameAsInput},
};

}  // namespace tinyc
