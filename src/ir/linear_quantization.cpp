#include "tinyc/ir/linear_quantization.h"

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

// Adding and taking away 1.5 * 2^23 rounds a float of magnitude below 2^22 to an integer, ties to even. Clamping first
// is the same as clamping last, as the limits are integers.
constexpr float kRoundToInteger = 12582912.0F;

float grid_steps(float x, float scale, float low, float high) {
  const float clamped = std::min(std::max(x / scale, low), high);
  return (clamped + kRoundToInteger) - kRoundToInteger;
}

// The same where neighbours on the grid are `step` integers apart.
float sparse_grid_steps(float x, float scale, float low, float high, int32_t step) {
  const auto apart = static_cast<float>(step);
  const float clamped = std::min(std::max(x / scale, low), high);
  return low + (((clamped - low) / apart + kRoundToInteger) - kRoundToInteger) * apart;
}

bool is_wide(const QParams& params) {
  return bits_of(params.storage) > 16;
}

int64_t quantize_wide(float x, float scale, int32_t zero_point, const QParams& params) {
  const double q = std::nearbyint(static_cast<double>(x) / static_cast<double>(scale)) + zero_point;
  return static_cast<int64_t>(std::clamp(q, static_cast<double>(params.q_min), static_cast<double>(params.q_max)));
}

// Calls visit(first, count, scale, zero_point) for each stretch of elements with one scale.
template <typename Visit>
void for_each_run(const QParams& params, std::span<const int64_t> dims, Visit visit) {
  const ScaleIndex scale_of(params, dims);
  const int64_t total = element_count(dims);
  const int64_t run = std::max<int64_t>(scale_of.run(), 1);
  if (params.block != 0) {
    for (int64_t i = 0; i < total; ++i)
      visit(i, int64_t{1}, params.scales[scale_of(i)], params.zero_points[scale_of(i)]);
    return;
  }
  for (int64_t i = 0; i < total; i += run) {
    const size_t idx = scale_of(i);
    visit(i, std::min(run, total - i), params.scales[idx], params.zero_points[idx]);
  }
}

void store(std::byte* data, DataType dtype, int64_t idx, int64_t value) {
  const int bits = bits_of(dtype);
  if (bits < 8) return store_packed(data, dtype, idx, value);
  const int bytes = bits / 8;
  std::memcpy(data + idx * bytes, &value, static_cast<size_t>(bytes));  // little endian
}

}  // namespace

ScaleIndex::ScaleIndex(const QParams& params, std::span<const int64_t> dims) : total_(element_count(dims)) {
  if (params.axis < 0) return;
  per_tensor_ = false;
  const auto axis = static_cast<size_t>(params.axis);
  axis_size_ = dims[axis];
  inner_ = element_count(dims.subspan(axis + 1));
  block_ = params.block;
  if (block_ != 0) blocks_ = (axis_size_ + block_ - 1) / block_;
}

Tensor quantize(const Tensor& real, const QParams& params) {
  check_params(params, real.dims());
  Tensor stored = Tensor::zeros(params.storage, real.dims());
  std::byte* out = stored.mutable_bytes();
  const std::span<const float> in = real.data<float>();
  for_each_run(params, real.dims(), [&](int64_t first, int64_t count, float scale, int32_t zero_point) {
    const auto low = static_cast<float>(params.q_min - (is_wide(params) ? 0 : zero_point));
    const auto high = static_cast<float>(params.q_max - (is_wide(params) ? 0 : zero_point));
    for (int64_t i = first; i < first + count; ++i) {
      const float x = in[static_cast<size_t>(i)];
      const auto steps = [&] {
        return params.q_step == 1 ? grid_steps(x, scale, low, high)
                                  : sparse_grid_steps(x, scale, low, high, params.q_step);
      };
      store(out, params.storage, i,
            is_wide(params) ? quantize_wide(x, scale, zero_point, params) : static_cast<int64_t>(steps()) + zero_point);
    }
  });
  return stored;
}

Tensor dequantize(const Tensor& stored, const QParams& params) {
  check_params(params, stored.dims());
  Tensor real = Tensor::zeros(DataType::kFloat, stored.dims());
  const std::span<float> out = real.mutable_data<float>();
  const std::vector<int64_t> in = stored.to_int64();
  for_each_run(params, stored.dims(), [&](int64_t first, int64_t count, float scale, int32_t zero_point) {
    for (int64_t i = first; i < first + count; ++i) {
      const auto idx = static_cast<size_t>(i);
      out[idx] = static_cast<float>(in[idx] - zero_point) * scale;
    }
  });
  return real;
}

void round_to_grid(std::span<float> values, std::span<const int64_t> dims, const QParams& params) {
  for_each_run(params, dims, [&](int64_t first, int64_t count, float scale, int32_t zero_point) {
    const std::span<float> run = values.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    if (is_wide(params)) {
      for (float& x : run) x = static_cast<float>(quantize_wide(x, scale, zero_point, params) - zero_point) * scale;
      return;
    }
    const auto low = static_cast<float>(params.q_min - zero_point);
    const auto high = static_cast<float>(params.q_max - zero_point);
    if (params.q_step != 1) {
      for (float& x : run) x = sparse_grid_steps(x, scale, low, high, params.q_step) * scale;
      return;
    }
    for (float& x : run) x = grid_steps(x, scale, low, high) * scale;
  });
}

void check_params(const QParams& params, std::span<const int64_t> dims) {
  const auto fail = [](const std::string& what) { throw Error(ErrorKind::kModel, "quantization parameters: " + what); };
  if (!is_integer(params.storage) || bits_of(params.storage) > 32) {
    fail("cannot store integers as " + std::string(name_of(params.storage)));
  }
  if (params.axis >= static_cast<int>(dims.size())) {
    fail("axis " + std::to_string(params.axis) + " is out of range for " + to_string(dims));
  }
  size_t expected = 1;
  if (params.axis >= 0) {
    const auto axis = static_cast<size_t>(params.axis);
    expected = static_cast<size_t>(dims[axis]);
    if (params.block != 0) {
      const int64_t blocks = (dims[axis] + params.block - 1) / params.block;
      expected =
          static_cast<size_t>(element_count(dims.subspan(0, axis)) * blocks * element_count(dims.subspan(axis + 1)));
    }
  }
  if (params.scales.size() != expected || params.zero_points.size() != expected) {
    fail(std::to_string(params.scales.size()) + " scales and " + std::to_string(params.zero_points.size()) +
         " zero points, expected " + std::to_string(expected) + " for " + to_string(dims));
  }
  const bool fits = std::all_of(params.scales.begin(), params.scales.end(),
                                [](float scale) { return std::isfinite(scale) && scale > 0.0F; });
  if (!fits) fail("a scale is not positive and finite");
  for (int32_t zero_point : params.zero_points) {
    if (zero_point < min_of(params.storage) || zero_point > max_of(params.storage)) {
      fail("zero point " + std::to_string(zero_point) + " is outside " + std::string(name_of(params.storage)));
    }
  }
}

}  // namespace tinyc
