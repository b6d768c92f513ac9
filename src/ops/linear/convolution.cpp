// Conv and ConvTranspose as products: the columns of a position are the input elements under its window, channel by
// channel, tap by tap; a tap in the padding, or between the strides of a ConvTranspose, is 0.
#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "ops/linear/forms.h"
#include "ops/window.h"

namespace tinyc {
namespace {

using Position = std::array<int64_t, 3>;
using Taps = std::vector<std::pair<int64_t, int64_t>>;  // tap, flat index of the input element under it

// Data [samples, channels, elements of a plane]; a group reads `group_channels` of the channels.
struct Planes {
  Tensor data;
  int64_t channels, group_channels, elements, taps;

  void gather(int64_t sample, int64_t group, const Taps& inside, float* out) const {
    const float* plane = data.data<float>().data() + (sample * channels + group * group_channels) * elements;
    std::fill_n(out, group_channels * taps, 0.0F);
    for (int64_t c = 0; c < group_channels; ++c, plane += elements, out += taps) {
      for (const auto& [tap, place] : inside) out[tap] = plane[place];
    }
  }
};

Position position_at(int64_t flat, int64_t height, int64_t width) {
  return {flat / (height * width), flat / width % height, flat % width};
}

void taps_of_window(const Window& window, const Position& at, Taps& inside) {
  inside.clear();
  for_each_tap(window, at, [&](int64_t tap, int64_t place) { inside.emplace_back(tap, place); });
}

// The input elements of a ConvTranspose that reach output element `at`. `window` is that of the Conv whose adjoint it
// is: its outputs are our inputs.
void taps_of_adjoint(const Window& window, const Position& at, Taps& inside) {
  inside.clear();
  const auto place_of = [&](size_t axis, int64_t tap) {
    const WindowAxis& a = window.axes[axis];
    const int64_t reach = at[axis] + a.pad_begin - tap * a.dilation;
    const int64_t place = reach / a.stride;
    return reach >= 0 && reach % a.stride == 0 && place < a.out ? place : int64_t{-1};
  };
  const auto& [depth, height, width] = window.axes;
  for (int64_t tap = 0; tap < window.taps(); ++tap) {
    const Position k = position_at(tap, height.kernel, width.kernel);
    const int64_t z = place_of(0, k[0]), y = place_of(1, k[1]), x = place_of(2, k[2]);
    if (z >= 0 && y >= 0 && x >= 0) inside.emplace_back(tap, (z * height.out + y) * width.out + x);
  }
}

bool fits(const LinearOperands& operands) {
  const Tensor &x = operands.inputs[0], &w = operands.inputs[1];
  return operands.weight == 1 && x.dtype() == DataType::kFloat && x.rank() >= 3 && x.rank() <= 5 &&
         x.rank() == w.rank() && x.size() > 0 && w.size() > 0;
}

}  // namespace

std::optional<LinearForm> linear_conv(const LinearOperands& operands) {
  if (!fits(operands)) return std::nullopt;
  const Tensor& x = operands.inputs[0];
  const Dims &x_dims = x.dims(), &w_dims = operands.inputs[1].dims();
  const Window window = read_window(operands.node, std::span(w_dims).subspan(2)).over(std::span(x_dims).subspan(2));
  LinearForm form;
  form.groups = int_attr(operands.node, "group");
  form.rows = w_dims[0] / form.groups;
  form.columns = w_dims[1] * window.taps();
  form.group_stride = form.rows * form.columns;
  form.row_stride = form.columns;
  form.column_offsets.resize(static_cast<size_t>(form.columns));
  std::iota(form.column_offsets.begin(), form.column_offsets.end(), 0);
  form.bias = 2;
  form.bias_group_stride = form.rows;
  form.bias_size = w_dims[0];
  form.positions = x_dims[0] * window.out_count();
  form.gather = [window, planes = Planes{x, x_dims[1], w_dims[1], window.in_count(), window.taps()}](
                    int64_t group, int64_t first, int64_t count, float* out, int64_t stride) {
    Taps inside;
    for (int64_t p = first; p < first + count; ++p, out += stride) {
      const Position at = position_at(p % window.out_count(), window.axes[1].out, window.axes[2].out);
      taps_of_window(window, at, inside);
      planes.gather(p / window.out_count(), group, inside, out);
    }
  };
  return form;
}

std::optional<LinearForm> linear_conv_transpose(const LinearOperands& operands) {
  if (!fits(operands)) return std::nullopt;
  const Tensor& x = operands.inputs[0];
  const Dims &x_dims = x.dims(), &w_dims = operands.inputs[1].dims();
  const Window window = transposed_window(operands.node, x_dims, w_dims);
  LinearForm form;
  form.groups = int_attr(operands.node, "group");
  form.rows = w_dims[1];
  const int64_t channels = w_dims[0] / form.groups;
  form.columns = channels * window.taps();
  form.group_stride = form.columns * form.rows;
  form.row_stride = window.taps();
  for (int64_t c = 0; c < form.columns; ++c) {
    form.column_offsets.push_back(c / window.taps() * form.rows * window.taps() + c % window.taps());
  }
  form.bias = 2;
  form.bias_group_stride = form.rows;
  form.bias_size = form.groups * form.rows;
  form.positions = x_dims[0] * window.in_count();
  form.gather = [window, planes = Planes{x, x_dims[1], channels, window.out_count(), window.taps()}](
                    int64_t group, int64_t first, int64_t count, float* out, int64_t stride) {
    Taps inside;
    for (int64_t p = first; p < first + count; ++p, out += stride) {
      taps_of_adjoint(window, position_at(p % window.in_count(), window.axes[1].in, window.axes[2].in), inside);
      planes.gather(p / window.in_count(), group, inside, out);
    }
  };
  return form;
}

}  // namespace tinyc
