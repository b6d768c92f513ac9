// Convolutions of integers: ConvInteger (int32 out) and QLinearConv (integers out, see affine.h). Padding stands for
// the zero point, that is for zero.
#include <algorithm>

#include "ops/affine.h"
#include "ops/common_infer.h"
#include "ops/conv_infer.h"
#include "ops/window.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"auto_pad", "NOTSET"},
                                        {"dilations", AttributeType::kInts},
                                        {"group", 1},
                                        {"kernel_shape", AttributeType::kInts},
                                        {"pads", AttributeType::kInts},
                                        {"strides", AttributeType::kInts}};

// Adds weight * x over all output positions whose input under this tap lies inside the input.
void add_tap(const Window& window, const std::array<int64_t, 3>& tap, int32_t weight, const int32_t* x, int32_t* y) {
  const auto& [depth, height, width] = window.axes;
  const int64_t offset = tap[2] * width.dilation - width.pad_begin;
  const int64_t first = offset >= 0 ? 0 : (-offset + width.stride - 1) / width.stride;
  const int64_t last = width.in - offset <= 0 ? 0 : std::min(width.out, (width.in - offset - 1) / width.stride + 1);
  for (int64_t oz = 0; oz < depth.out; ++oz) {
    const int64_t z = depth.first(oz) + tap[0] * depth.dilation;
    if (z < 0 || z >= depth.in) continue;
    for (int64_t oy = 0; oy < height.out; ++oy) {
      const int64_t row = height.first(oy) + tap[1] * height.dilation;
      if (row < 0 || row >= height.in) continue;
      const int64_t from = (z * height.in + row) * width.in + offset;
      int32_t* to = y + (oz * height.out + oy) * width.out;
      for (int64_t ox = first; ox < last; ++ox)
        to[ox] = wrapping_multiply_add(weight, x[from + ox * width.stride], to[ox]);
    }
  }
}

// One output plane += one input plane * its kernel.
void add_plane(const Window& window, const int32_t* kernel, const int32_t* x, int32_t* y) {
  const auto& [depth, height, width] = window.axes;
  for (int64_t kz = 0; kz < depth.kernel; ++kz) {
    for (int64_t ky = 0; ky < height.kernel; ++ky) {
      for (int64_t kx = 0; kx < width.kernel; ++kx) add_tap(window, {kz, ky, kx}, *kernel++, x, y);
    }
  }
}

// Calls finish(output channel, plane index, sums) for each output plane [N, M] without bias.
template <typename Finish>
void convolve(const Node& node, const Tensor& x, const Tensor& x_zero, const Tensor& w, const Tensor& w_zero,
              Finish finish) {
  const Dims& x_dims = x.dims();
  const Dims& w_dims = w.dims();
  const Window window = read_window(node, std::span(w_dims).subspan(2)).over(std::span(x_dims).subspan(2));
  const int64_t channels = w_dims[1], per_group = w_dims[0] / int_attr(node, "group");
  const std::vector<int32_t> inputs = centered(x, along_axis(x_zero, 1, x.rank()));
  const std::vector<int32_t> weights = centered(w, along_axis(w_zero, 0, w.rank()));
  std::vector<int32_t> sums(static_cast<size_t>(window.out_count()));
  for (int64_t n = 0; n < x_dims[0]; ++n) {
    for (int64_t m = 0; m < w_dims[0]; ++m) {
      std::fill(sums.begin(), sums.end(), 0);
      const int32_t* plane = inputs.data() + (n * x_dims[1] + m / per_group * channels) * window.in_count();
      for (int64_t c = 0; c < channels; ++c, plane += window.in_count()) {
        add_plane(window, weights.data() + (m * channels + c) * window.taps(), plane, sums.data());
      }
      finish(m, n * w_dims[0] + m, sums);
    }
  }
}

void infer_integer(InferContext& context) {
  infer_convolution(context, {.x = 0, .w = 1, .bias = -1}, DataType::kInt32);
}

void eval_integer(EvalContext& context) {
  const auto y = context.out<int32_t>(0);
  convolve(context.node(), context.input(0), context.has_input(2) ? context.input(2) : Tensor(), context.input(1),
           context.has_input(3) ? context.input(3) : Tensor(),
           [&](int64_t /*channel*/, int64_t plane, const std::vector<int32_t>& sums) {
             std::copy(sums.begin(), sums.end(), y.begin() + plane * static_cast<int64_t>(sums.size()));
           });
}

void infer_qlinear(InferContext& context) {
  require_dtype(context, 8, DataType::kInt32);
  infer_convolution(context, {.x = 0, .w = 3, .bias = 8}, context.dtype(7));
}

void eval_qlinear(EvalContext& context) {
  std::vector<float> multipliers = channel_scales(context, 4, context.input(3).dims()[0]);
  const float x_scale = scale_operand(context, 1), y_scale = scale_operand(context, 6);
  for (float& multiplier : multipliers) multiplier = x_scale * multiplier / y_scale;
  const int32_t zero_point = zero_point_operand(context, 7);
  const int32_t* bias = context.has_input(8) ? context.in<int32_t>(8).data() : nullptr;
  convolve(context.node(), context.input(0), context.input(2), context.input(3), context.input(5),
           [&](int64_t channel, int64_t plane, std::vector<int32_t>& sums) {
             if (bias != nullptr) {
               for (int32_t& sum : sums) sum = wrapping_multiply_add(1, sum, bias[channel]);
             }
             requantize(sums, multipliers[static_cast<size_t>(channel)], zero_point, context.output(0),
                        plane * static_cast<int64_t>(sums.size()));
           });
}

template <size_t kWeight>
int64_t macs(const Node& /*node*/, std::span<const TensorType> inputs, std::span<const TensorType> outputs) {
  const Dims w = *inputs[kWeight].shape.known_dims();
  return element_count(*outputs[0].shape.known_dims()) * (w[0] == 0 ? 0 : element_count(w) / w[0]);
}

}  // namespace

extern const OpDef k_conv_integer{.name = "ConvInteger",
                                  .inputs = {2, 4},
                                  .attributes = kAttributes,
                                  .infer = infer_integer,
                                  .eval = eval_integer,
                                  .macs = macs<1>,
                                  .quant = kInteger};

extern const OpDef k_qlinear_conv{.name = "QLinearConv",
                                  .inputs = {8, 9},
                                  .attributes = kAttributes,
                                  .infer = infer_qlinear,
                                  .eval = eval_qlinear,
                                  .macs = macs<3>,
                                  .quant = kInteger};

}  // namespace tinyc
