#include "onnx/types.h"

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

Dim to_dim(const onnx::TensorShapeProto::Dimension& proto, DimBindings& bindings) {
  if (proto.has_dim_value()) {
    // Exporters write 0 or -1 for a dim that is open; a real dim of size 0 at a model's border has no use.
    return proto.dim_value() > 0 ? Dim(proto.dim_value()) : Dim();
  }
  if (!proto.has_dim_param()) return {};
  const auto bound = bindings.sizes.find(proto.dim_param());
  if (bound == bindings.sizes.end()) return Dim(proto.dim_param());
  bindings.used.insert(proto.dim_param());
  return bound->second;
}

}  // namespace

void read_type(const onnx::TypeProto& proto, DimBindings& bindings, Value& value) {
  if (!proto.has_tensor_type()) {
    if (proto.value_case() != onnx::TypeProto::VALUE_NOT_SET) value.foreign_type = serialize(proto);
    return;
  }
  const auto& tensor = proto.tensor_type();
  value.type.dtype = static_cast<DataType>(tensor.elem_type());
  if (!tensor.has_shape()) return;
  Shape shape;
  for (const auto& dim : tensor.shape().dim()) shape.push_back(to_dim(dim, bindings));
  value.type.shape = std::move(shape);
}

bool has_type(const Value& value) {
  return value.type.dtype != DataType::kUndefined || !value.foreign_type.empty();
}

onnx::ValueInfoProto to_value_info(const Value& value) {
  onnx::ValueInfoProto info;
  info.set_name(value.name);
  if (!value.foreign_type.empty()) {
    TINYC_CHECK(parse_message(value.foreign_type, *info.mutable_type()));
    return info;
  }
  if (value.type.dtype == DataType::kUndefined) return info;
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(static_cast<int32_t>(value.type.dtype));
  if (!value.type.shape.ranked()) return info;
  auto& shape = *tensor.mutable_shape();
  for (const Dim& dim : value.type.shape.dims()) {
    auto& out = *shape.add_dim();
    if (dim.known()) {
      out.set_dim_value(dim.value);
    } else if (!dim.symbol.empty()) {
      out.set_dim_param(dim.symbol);
    }
  }
  return info;
}

}  // namespace tinyc
