// Walks the indices of a tensor in C order and keeps the offset that they have in another, strided, tensor.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "tinyc/ir/shape.h"

namespace tinyc {

class Odometer {
 public:
  Odometer(Dims dims, Dims strides) : dims_(std::move(dims)), strides_(std::move(strides)), index_(dims_.size()) {}

  int64_t offset() const { return offset_; }
  const Dims& index() const { return index_; }

  void next() {
    for (size_t i = dims_.size(); i-- > 0;) {
      offset_ += strides_[i];
      if (++index_[i] < dims_[i]) return;
      offset_ -= index_[i] * strides_[i];
      index_[i] = 0;
    }
  }

 private:
  Dims dims_;
  Dims strides_;
  Dims index_;
  int64_t offset_ = 0;
};

}  // namespace tinyc
