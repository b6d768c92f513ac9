// How a value is stored when it is not stored as it is computed: an annotation on a float value (see Value::quant).
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "tinyc/ir/tensor.h"

namespace tinyc {

// Linear quantization: real = (q - zero_point) * scale.
struct QParams {
  DataType storage = DataType::kInt8;
  int axis = -1;                     // -1: per tensor; else scales run along this axis of the value
  int block = 0;                     // 0: one scale per index of axis; else one per `block` neighbours along axis, and
                                     // scales has the value's dims with dim[axis] divided by block, rounded up
  std::vector<float> scales;         // > 0, finite
  std::vector<int32_t> zero_points;  // as many as scales, each within the storage type
  // The grid that values are rounded to: q_min, q_min + q_step, ..., q_max; inside the storage type. Narrower than it
  // for weights (-127..127) and for widths that ONNX has no type for (3 bits in an int4: -4..3). Binary weights are -1
  // and 1: a step of 2.
  int32_t q_min = -128;
  int32_t q_max = 127;
  int32_t q_step = 1;
  friend bool operator==(const QParams&, const QParams&) = default;
};

// Vector quantization: groups of `group` neighbouring elements are replaced by the index of a centroid.
struct Codebook {
  Tensor centroids;    // [count, group], float or the storage type of the combined linear quantization
  int index_bits = 4;  // count <= 2^index_bits
  Dims group;          // extent of one group along each axis of the value
  friend bool operator==(const Codebook& a, const Codebook& b) {
    return a.centroids.same_bytes(b.centroids) && a.index_bits == b.index_bits && a.group == b.group;
  }
};

using QuantInfo = std::variant<QParams, Codebook>;

}  // namespace tinyc
