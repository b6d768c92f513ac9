// A tensor: element type, dims, and a shared immutable buffer in C order. Copying shares the buffer; whoever
// has just made a tensor may write it until it is shared.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/ir/shape.h"

namespace tinyc {

class Tensor {
 public:
  Tensor() = default;  // no tensor: dtype() is kUndefined
  // Takes bytes in C order, little endian; sub-byte types packed, the low bits first. The size must be byte_count().
  // String tensors keep an opaque payload that only the importer and the exporter read.
  Tensor(DataType dtype, Dims dims, std::shared_ptr<const std::byte> data, size_t bytes);
  // A zero-filled tensor.
  static Tensor zeros(DataType dtype, Dims dims);
  template <typename T>
  static Tensor of(Dims dims, std::span<const T> values);
  template <typename T>
  static Tensor of(Dims dims, const std::vector<T>& values) {
    return of<T>(std::move(dims), std::span<const T>(values));
  }
  template <typename T>
  static Tensor scalar(T value) {
    return of<T>({}, std::span<const T>(&value, 1));
  }

  bool defined() const { return dtype_ != DataType::kUndefined; }
  DataType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  int rank() const { return static_cast<int>(dims_.size()); }
  TensorType type() const { return {dtype_, Shape(dims_)}; }
  int64_t size() const { return count_; }  // elements
  size_t byte_size() const { return bytes_; }
  const std::byte* bytes() const { return data_.get(); }
  const std::shared_ptr<const std::byte>& buffer() const { return data_; }

  // The elements; T must be the C++ type of dtype(). (bool tensors are one byte an element.)
  template <typename T>
  std::span<const T> data() const {
    TINYC_CHECK(dtype_ == data_type_of<T>());
    return {reinterpret_cast<const T*>(data_.get()), static_cast<size_t>(count_)};
  }
  // For whoever has just made this tensor: nobody else may hold the buffer yet, or it is a place in an arena.
  template <typename T>
  std::span<T> mutable_data() {
    TINYC_CHECK(dtype_ == data_type_of<T>());
    return {reinterpret_cast<T*>(mutable_bytes()), static_cast<size_t>(count_)};
  }
  std::byte* mutable_bytes();

  // The same elements under other dims (same count).
  Tensor reshaped(Dims dims) const;
  // The same bits under another type of the same width.
  Tensor reinterpreted(DataType dtype) const;
  bool same_bytes(const Tensor& other) const;

  // Elements of any numeric or bool type, sub-byte ones too, converted; for shapes, axes and other small operands.
  // Floats are truncated and held to int64's range, NaN becomes 0.
  std::vector<int64_t> to_int64() const;
  std::vector<float> to_float() const;

 private:
  DataType dtype_ = DataType::kUndefined;
  Dims dims_;
  int64_t count_ = 0;
  size_t bytes_ = 0;
  std::shared_ptr<const std::byte> data_;
};

// 64-byte aligned, with 64 readable bytes behind the end (vector kernels may read, never write, past the last element).
std::shared_ptr<std::byte> allocate_bytes(size_t bytes);

template <typename T>
Tensor Tensor::of(Dims dims, std::span<const T> values) {
  Tensor tensor = zeros(data_type_of<T>(), std::move(dims));
  TINYC_CHECK(tensor.size() == static_cast<int64_t>(values.size()));
  if constexpr (std::is_same_v<T, bool>) {
    for (size_t i = 0; i < values.size(); ++i) tensor.mutable_data<T>()[i] = values[i];
  } else if (!values.empty()) {
    std::memcpy(tensor.mutable_bytes(), values.data(), tensor.byte_size());
  }
  return tensor;
}

// Sub-byte access (int4, uint4, int2, uint2): element idx of a packed buffer.
int64_t load_packed(const std::byte* data, DataType dtype, int64_t idx);
void store_packed(std::byte* data, DataType dtype, int64_t idx, int64_t value);

// float16 and bfloat16 as their bits; round to nearest, ties to even.
float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);

}  // namespace tinyc
