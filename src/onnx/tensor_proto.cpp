#include "onnx/tensor_proto.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "onnx/external_data.h"

namespace tinyc {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are kept in ONNX's byte order");

constexpr int64_t kMaxDenseBytes = int64_t{1} << 31;  // of a sparse tensor: its dims cost nothing in the file

Dims dims_of(const google::protobuf::RepeatedField<int64_t>& proto) {
  Dims dims(proto.begin(), proto.end());
  for (const int64_t dim : dims) {
    if (dim < 0) throw Error(ErrorKind::kModel, "dims " + to_string(dims) + " hold a negative number");
  }
  return dims;
}

void require_count(std::string_view field, int64_t found, int64_t expected) {
  if (found == expected) return;
  throw Error(ErrorKind::kModel, std::string(field) + " holds " + std::to_string(found) + " elements, expected " +
                                     std::to_string(expected) + " for its dims");
}

// The low bytes of each number of a typed field; `width` bytes each.
template <typename Field>
void copy_low_bytes(const Field& field, std::byte* out, size_t width) {
  for (const auto number : field) {
    std::memcpy(out, &number, width);
    out += width;
  }
}

// The typed field that ONNX assigns to an element type: its name, its size, and the size that `count` elements need.
struct TypedField {
  std::string_view name;
  int64_t found;
  int64_t expected;
};

TypedField typed_field(const onnx::TensorProto& proto, DataType dtype, int64_t count) {
  switch (dtype) {
    case DataType::kFloat:
      return {"float_data", proto.float_data_size(), count};
    case DataType::kComplex64:
      return {"float_data", proto.float_data_size(), 2 * count};
    case DataType::kDouble:
      return {"double_data", proto.double_data_size(), count};
    case DataType::kComplex128:
      return {"double_data", proto.double_data_size(), 2 * count};
    case DataType::kInt64:
      return {"int64_data", proto.int64_data_size(), count};
    case DataType::kUint32:
    case DataType::kUint64:
      return {"uint64_data", proto.uint64_data_size(), count};
    default:
      break;
  }
  const int64_t bits = bits_of(dtype);
  return {"int32_data", proto.int32_data_size(), bits >= 8 ? count : (count * bits + 7) / 8};
}

void copy_typed(const onnx::TensorProto& proto, DataType dtype, std::byte* out) {
  const auto width = static_cast<size_t>(std::max(bits_of(dtype), 8)) / 8;
  switch (dtype) {
    case DataType::kFloat:
    case DataType::kComplex64:
      return copy_low_bytes(proto.float_data(), out, sizeof(float));
    case DataType::kDouble:
    case DataType::kComplex128:
      return copy_low_bytes(proto.double_data(), out, sizeof(double));
    case DataType::kInt64:
      return copy_low_bytes(proto.int64_data(), out, sizeof(int64_t));
    case DataType::kUint32:
    case DataType::kUint64:
      return copy_low_bytes(proto.uint64_data(), out, width);
    default:
      return copy_low_bytes(proto.int32_data(), out, width);
  }
}

bool has_typed_data(const onnx::TensorProto& proto) {
  return proto.float_data_size() + proto.int32_data_size() + proto.int64_data_size() + proto.double_data_size() +
             proto.uint64_data_size() >
         0;
}

Tensor numeric_tensor(const onnx::TensorProto& proto, DataType dtype, Dims dims, const std::filesystem::path& folder) {
  const int64_t count = element_count(dims);
  const int64_t bytes = byte_count(dtype, dims);
  const auto size = static_cast<size_t>(bytes);
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    return {dtype, std::move(dims), read_external(proto, folder, bytes), size};
  }
  if (!has_typed_data(proto)) {
    if (proto.raw_data().size() != size) {
      throw Error(ErrorKind::kModel, "raw_data holds " + std::to_string(proto.raw_data().size()) + " bytes, expected " +
                                         std::to_string(bytes) + " for " + to_string(TensorType{dtype, Shape(dims)}));
    }
    auto data = allocate_bytes(size);
    if (size != 0) std::memcpy(data.get(), proto.raw_data().data(), size);
    return {dtype, std::move(dims), std::move(data), size};
  }
  const TypedField field = typed_field(proto, dtype, count);
  require_count(field.name, field.found, field.expected);
  auto data = allocate_bytes(size);
  copy_typed(proto, dtype, data.get());
  return {dtype, std::move(dims), std::move(data), size};
}

}  // namespace

Tensor string_tensor(Dims dims, const google::protobuf::RepeatedPtrField<std::string>& strings) {
  require_count("string_data", strings.size(), element_count(dims));
  onnx::TensorProto payload;
  *payload.mutable_string_data() = strings;
  const std::string bytes = serialize(payload);
  auto data = allocate_bytes(bytes.size());
  if (!bytes.empty()) std::memcpy(data.get(), bytes.data(), bytes.size());
  return {DataType::kString, std::move(dims), std::move(data), bytes.size()};
}

Tensor to_tensor(const onnx::TensorProto& proto, const std::filesystem::path& folder) {
  Dims dims = dims_of(proto.dims());
  const auto dtype = static_cast<DataType>(proto.data_type());
  if (dtype == DataType::kString) return string_tensor(std::move(dims), proto.string_data());
  if (bits_of(dtype) == 0) {
    throw Error(ErrorKind::kModel, "element type " + std::to_string(proto.data_type()) + " is unknown",
                "this tinyc knows the types of ONNX 1.20 and before");
  }
  return numeric_tensor(proto, dtype, std::move(dims), folder);
}

Tensor to_tensor(const onnx::SparseTensorProto& proto, const std::filesystem::path& folder) {
  const Dims dims = dims_of(proto.dims());
  const Tensor values = to_tensor(proto.values(), folder);
  const Tensor indices = to_tensor(proto.indices(), folder);
  if (bits_of(values.dtype()) < 8 || byte_count(values.dtype(), dims) > kMaxDenseBytes) {
    throw Error(ErrorKind::kModel, "sparse tensor of type " + to_string(TensorType{values.dtype(), Shape(dims)}) +
                                       " is too large, or of a type that has no dense form");
  }
  const bool linear = indices.rank() == 1;
  const auto rank = static_cast<int64_t>(dims.size());
  if (indices.dtype() != DataType::kInt64 || indices.size() != values.size() * (linear ? 1 : rank)) {
    throw Error(ErrorKind::kModel, "sparse tensor has indices " + to_string(indices.type()) + " for values " +
                                       to_string(values.type()) + " and dims " + to_string(dims));
  }
  Tensor dense = Tensor::zeros(values.dtype(), dims);
  const auto width = static_cast<size_t>(bits_of(values.dtype())) / 8;
  const std::span<const int64_t> index = indices.data<int64_t>();
  for (int64_t i = 0; i < values.size(); ++i) {
    int64_t place = linear ? index[static_cast<size_t>(i)] : 0;
    bool inside = place >= 0 && place < dense.size();
    for (int64_t axis = 0; !linear && axis < rank; ++axis) {
      const int64_t at = index[static_cast<size_t>(i * rank + axis)];
      inside = inside && at >= 0 && at < dims[static_cast<size_t>(axis)];
      if (inside) place = place * dims[static_cast<size_t>(axis)] + at;
    }
    if (!inside) throw Error(ErrorKind::kModel, "sparse tensor has an index outside its dims " + to_string(dims));
    std::memcpy(dense.mutable_bytes() + static_cast<size_t>(place) * width,
                values.bytes() + static_cast<size_t>(i) * width, width);
  }
  return dense;
}

onnx::TensorProto to_proto(const Tensor& tensor, std::string_view name) {
  onnx::TensorProto proto;
  const std::string_view bytes(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  if (tensor.dtype() == DataType::kString) {
    TINYC_CHECK(parse_message(bytes, proto));
  } else {
    proto.set_raw_data(bytes.data(), bytes.size());
  }
  proto.set_data_type(static_cast<int32_t>(tensor.dtype()));
  for (const int64_t dim : tensor.dims()) proto.add_dims(dim);
  if (!name.empty()) proto.set_name(std::string(name));
  return proto;
}

}  // namespace tinyc
