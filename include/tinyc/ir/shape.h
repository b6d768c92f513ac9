// Shapes. Dims are int64; a dim that is not known before the model runs is "open" and may carry a symbol ("N"): equal
// symbols are equal sizes. A shape may also have no known rank at all.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tinyc/ir/data_type.h"

namespace tinyc {

using Dims = std::vector<int64_t>;  // a shape with every dim known

struct Dim {
  int64_t value = -1;  // -1: open
  std::string symbol;  // empty: open and unlike any other; always empty when value is known

  Dim() = default;
  Dim(int64_t known) : value(known) {}  // NOLINT(google-explicit-constructor): a known dim is just its number
  explicit Dim(std::string name) : symbol(std::move(name)) {}

  bool known() const { return value >= 0; }
  // Surely the same size: both known and equal, or the same symbol.
  bool same_as(const Dim& other) const {
    return known() ? value == other.value : !other.known() && !symbol.empty() && symbol == other.symbol;
  }
  friend bool operator==(const Dim&, const Dim&) = default;
};

class Shape {
 public:
  Shape() = default;  // a scalar: rank 0
  Shape(std::initializer_list<Dim> dims) : dims_(dims) {}
  explicit Shape(std::vector<Dim> dims) : dims_(std::move(dims)) {}
  explicit Shape(const Dims& dims) : dims_(dims.begin(), dims.end()) {}
  static Shape unranked() {
    Shape shape;
    shape.ranked_ = false;
    return shape;
  }

  bool ranked() const { return ranked_; }
  int rank() const { return static_cast<int>(dims_.size()); }  // 0 when not ranked: ask ranked() first
  const Dim& operator[](int idx) const { return dims_[static_cast<size_t>(idx)]; }
  Dim& operator[](int idx) { return dims_[static_cast<size_t>(idx)]; }
  const std::vector<Dim>& dims() const { return dims_; }
  void push_back(Dim dim) { dims_.push_back(std::move(dim)); }

  bool known() const;  // ranked and every dim known
  std::optional<Dims> known_dims() const;
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  bool ranked_ = true;
  std::vector<Dim> dims_;
};

struct TensorType {
  DataType dtype = DataType::kUndefined;
  Shape shape = Shape::unranked();
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

// Product of dims. Throws Error(kModel) when it does not fit 2^62: sizes in a model file are untrusted.
int64_t element_count(std::span<const int64_t> dims);
// Bytes of that many elements, sub-byte types packed (two int4 a byte). Throws like element_count.
int64_t byte_count(DataType dtype, std::span<const int64_t> dims);

// "[N,3,32,32]", "[?]" for an open dim with no symbol, "[...]" for no rank.
std::string to_string(const Shape& shape);
std::string to_string(std::span<const int64_t> dims);
// "float32[N,3,32,32]".
std::string to_string(const TensorType& type);

// Negative axes count from the end. Throws Error(kModel) when out of [-rank, rank).
int normalize_axis(int64_t axis, int rank);

// The shape of `a op b` with ONNX (numpy) broadcasting. Throws Error(kModel) when dims clash.
Shape broadcast(const Shape& a, const Shape& b);
Dims broadcast(std::span<const int64_t> a, std::span<const int64_t> b);

}  // namespace tinyc
