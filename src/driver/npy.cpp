#include "tinyc/driver/npy.h"

#include <cstring>

#include "quant/data/npy.h"
#include "tinyc/base/error.h"
#include "tinyc/base/file.h"

namespace tinyc {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{4} << 30;

// NumPy's name of an element type; empty when it has none.
std::string descriptor(DataType dtype) {
  switch (dtype) {
    case DataType::kFloat:
      return "<f4";
    case DataType::kDouble:
      return "<f8";
    case DataType::kFloat16:
      return "<f2";
    case DataType::kUint8:
      return "|u1";
    case DataType::kInt8:
      return "|i1";
    case DataType::kUint16:
      return "<u2";
    case DataType::kInt16:
      return "<i2";
    case DataType::kUint32:
      return "<u4";
    case DataType::kInt32:
      return "<i4";
    case DataType::kUint64:
      return "<u8";
    case DataType::kInt64:
      return "<i8";
    case DataType::kBool:
      return "|b1";
    default:
      return {};
  }
}

Tensor parse_npy(std::string_view bytes) {
  const ReadBytes read = [&](std::span<std::byte> out) {
    if (out.size() > bytes.size()) throw Error(ErrorKind::kIo, "the file is truncated");
    std::memcpy(out.data(), bytes.data(), out.size());
    bytes.remove_prefix(out.size());
  };
  const NpyHeader header = read_npy_header(read);
  if (header.data_bytes != bytes.size()) {
    throw Error(ErrorKind::kIo, "the file does not hold as many elements as its header says");
  }
  Tensor tensor = Tensor::zeros(header.dtype, header.dims);
  read({tensor.mutable_bytes(), tensor.byte_size()});
  return tensor;
}

}  // namespace

Tensor load_npy(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaxFileBytes);
  return with_context([&] { return path.string(); }, [&] { return parse_npy(bytes); });
}

std::string to_npy(const Tensor& tensor) {
  const std::string known = descriptor(tensor.dtype());
  if (known.empty()) return to_npy(Tensor::of<float>(tensor.dims(), tensor.to_float()));
  std::string header = "{'descr': '" + known + "', 'fortran_order': False, 'shape': (";
  for (const int64_t dim : tensor.dims()) header += std::to_string(dim) + ",";
  header += "), }";
  constexpr size_t kPrefix = 10;
  constexpr size_t kAlignment = 64;
  while ((kPrefix + header.size() + 1) % kAlignment != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFFU);
  bytes += static_cast<char>(header.size() >> 8U);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  return bytes;
}

}  // namespace tinyc
