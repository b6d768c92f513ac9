#include "onnx/weights.h"

#include <cmath>

#include "onnx/attributes.h"
#include "onnx/tensor_proto.h"

namespace tinyc {
namespace {

struct Seen {
  bool nan = false;
  bool infinity = false;
  bool ordinary = false;  // finite and not zero
};

template <typename T, typename Convert>
Seen scan(std::span<const T> elements, Convert convert) {
  Seen seen;
  for (const T element : elements) {
    const auto number = convert(element);
    seen.nan = seen.nan || std::isnan(number);
    seen.infinity = seen.infinity || std::isinf(number);
    seen.ordinary = seen.ordinary || (std::isfinite(number) && number != 0);
  }
  return seen;
}

Seen scan(const Tensor& tensor) {
  const auto same = [](auto number) { return number; };
  switch (tensor.dtype()) {
    case DataType::kFloat:
      return scan(tensor.data<float>(), same);
    case DataType::kDouble:
      return scan(tensor.data<double>(), same);
    case DataType::kFloat16:
      return scan(tensor.reinterpreted(DataType::kUint16).data<uint16_t>(), half_to_float);
    case DataType::kBfloat16:
      return scan(tensor.reinterpreted(DataType::kUint16).data<uint16_t>(), bfloat16_to_float);
    default:
      return {};
  }
}

}  // namespace

Tensor constant_value(const onnx::AttributeProto& attribute, const std::filesystem::path& folder) {
  const std::string& name = attribute.name();
  if (name == "value" && attribute.has_t()) return to_tensor(attribute.t(), folder);
  if (name == "sparse_value" && attribute.has_sparse_tensor()) return to_tensor(attribute.sparse_tensor(), folder);
  if (name == "value_int") return Tensor::scalar<int64_t>(attribute.i());
  if (name == "value_float") return Tensor::scalar<float>(attribute.f());
  if (name == "value_ints") {
    return Tensor::of<int64_t>({attribute.ints_size()}, {attribute.ints().begin(), attribute.ints().end()});
  }
  if (name == "value_floats") {
    return Tensor::of<float>({attribute.floats_size()}, {attribute.floats().begin(), attribute.floats().end()});
  }
  if (name == "value_strings") return string_tensor({attribute.strings_size()}, attribute.strings());
  if (name == "value_string") {
    google::protobuf::RepeatedPtrField<std::string> one;
    *one.Add() = attribute.s();
    return string_tensor({}, one);
  }
  throw Error(ErrorKind::kModel, "has no value: attribute '" + name + "' does not give one");
}

void check_finite(const Tensor& tensor) {
  const Seen seen = scan(tensor);
  if (!seen.nan && !(seen.infinity && seen.ordinary)) return;
  throw Error(ErrorKind::kModel, std::string("holds ") + (seen.nan ? "NaN" : "an infinity"),
              "the training diverged or the file is damaged; such a model cannot be quantized");
}

}  // namespace tinyc
