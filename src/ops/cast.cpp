// Cast and CastLike: elements of one type to another.
//
// The plain types are converted directly. The packed and the small float types go by way of a plain one: float32 for
// float16, bfloat16 and float8, int64 for int4 and its kin (of which the low bits are kept).
#include "ops/cast.h"

#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/element_types.h"
#include "ops/float8.h"
#include "ops/infer_util.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

using PlainTypes =
    TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, bool>;

bool is_packed(DataType dtype) {
  return is_integer(dtype) && bits_of(dtype) < 8;
}

// The plain type that stands between `dtype` and the others; itself when it is plain.
DataType plain_type_of(DataType dtype) {
  if (is_packed(dtype)) return DataType::kInt64;
  if (dtype == DataType::kFloat16 || dtype == DataType::kBfloat16 || is_float8(dtype)) return DataType::kFloat;
  return dtype;
}

template <typename Bits, typename Decode>
Tensor decode(const Tensor& tensor, Decode decode_one) {
  Tensor plain = Tensor::zeros(DataType::kFloat, tensor.dims());
  const auto* bits = reinterpret_cast<const Bits*>(tensor.bytes());
  std::transform(bits, bits + tensor.size(), plain.mutable_data<float>().begin(), decode_one);
  return plain;
}

template <typename Bits, typename Encode>
void encode(const Tensor& plain, Tensor& result, Encode encode_one) {
  const auto values = plain.data<float>();
  std::transform(values.begin(), values.end(), reinterpret_cast<Bits*>(result.mutable_bytes()), encode_one);
}

Tensor to_plain(const Tensor& tensor) {
  const DataType from = tensor.dtype();
  if (is_packed(from)) return Tensor::of<int64_t>(tensor.dims(), tensor.to_int64());
  if (from == DataType::kFloat16) return decode<uint16_t>(tensor, half_to_float);
  if (from == DataType::kBfloat16) return decode<uint16_t>(tensor, bfloat16_to_float);
  if (is_float8(from)) {
    return decode<uint8_t>(tensor, [from](uint8_t bits) { return float8_to_float(bits, from); });
  }
  return tensor;
}

Tensor from_plain(const Tensor& plain, DataType to, bool saturate) {
  Tensor result = Tensor::zeros(to, plain.dims());
  if (is_packed(to)) {
    const auto values = plain.data<int64_t>();
    for (int64_t i = 0; i < plain.size(); ++i) {
      store_packed(result.mutable_bytes(), to, i, values[static_cast<size_t>(i)]);
    }
  } else if (to == DataType::kFloat16) {
    encode<uint16_t>(plain, result, float_to_half);
  } else if (to == DataType::kBfloat16) {
    encode<uint16_t>(plain, result, float_to_bfloat16);
  } else {
    encode<uint8_t>(plain, result, [to, saturate](float value) { return float_to_float8(value, to, saturate); });
  }
  return result;
}

Tensor convert_plain(const Tensor& tensor, DataType to) {
  if (tensor.dtype() == to) return tensor;
  Tensor result = Tensor::zeros(to, tensor.dims());
  visit_type(PlainTypes(), tensor.dtype(), [&]<typename From>(std::type_identity<From> /*from*/) {
    visit_type(PlainTypes(), to, [&]<typename To>(std::type_identity<To> /*to*/) {
      const auto values = tensor.data<From>();
      std::transform(values.begin(), values.end(), result.mutable_data<To>().begin(), convert<To, From>);
    });
  });
  return result;
}

// The result must not share its operand's buffer: a cast is no view.
void store_cast(EvalContext& context, DataType to) {
  const Tensor& input = context.input(0);
  const bool saturate = int_attr(context.node(), "saturate") != 0;
  if (input.dtype() != to) return context.set_output(0, cast(input, to, saturate));
  if (!context.output(0).defined()) throw Error(ErrorKind::kModel, "strings cannot be cast");
  std::memcpy(context.output(0).mutable_bytes(), input.bytes(), input.byte_size());
}

DataType target_of(const Node& node) {
  const auto to = static_cast<DataType>(int_attr(node, "to"));
  if (bits_of(to) != 0 || to == DataType::kString) return to;
  throw Error(ErrorKind::kModel, "attribute 'to' is " + std::to_string(int_attr(node, "to")) + ", not an element type");
}

void infer_cast(InferContext& context) {
  const DataType to = target_of(context.node());
  context.set_output(0, to, context.shape(0));
  if (is_integer(to) && is_integer(context.dtype(0))) forward_dims_value(context);
}

void eval_cast(EvalContext& context) {
  store_cast(context, target_of(context.node()));
}

void infer_cast_like(InferContext& context) {
  context.set_output(0, context.dtype(1), context.shape(0));
}

void eval_cast_like(EvalContext& context) {
  store_cast(context, context.input(1).dtype());
}

constexpr AttributeDef kCastAttributes[] = {{"saturate", 1}, {"to", 0}};
constexpr AttributeDef kCastLikeAttributes[] = {{"saturate", 1}};
constexpr QuantTraits kTraits{.kind = QuantKind::kFloat, .why_float = "a cast names the type of its result"};

}  // namespace

Tensor cast(const Tensor& tensor, DataType to, bool saturate) {
  if (tensor.dtype() == to) return tensor;
  const Tensor plain = convert_plain(to_plain(tensor), plain_type_of(to));
  return plain.dtype() == to ? plain : from_plain(plain, to, saturate);
}

extern const OpDef k_cast{.name = "Cast",
                          .attributes = kCastAttributes,
                          .infer = infer_cast,
                          .eval = eval_cast,
                          .code = code_cast,
                          .axes = elementwise_axes,
                          .quant = kTraits};

extern const OpDef k_cast_like{.name = "CastLike",
                               .inputs = {2, 2},
                               .attributes = kCastLikeAttributes,
                               .infer = infer_cast_like,
                               .eval = eval_cast_like,
                               .quant = kTraits};

}  // namespace tinyc
