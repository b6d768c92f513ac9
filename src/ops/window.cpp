#include "ops/window.h"

#include <algorithm>

namespace tinyc {
namespace {

constexpr int64_t kMaxExtent = int64_t{1} << 24;  // far above any real window; keeps sizes far from overflow

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorKind::kModel, message);
}

// A list attribute with `count` elements in [low, kMaxExtent]; all `low_default` when absent.
Dims checked_list(const Node& node, std::string_view name, size_t count, int64_t low, int64_t value_if_absent) {
  const std::span<const int64_t> given = ints_attr(node, name);
  if (given.empty()) return Dims(count, value_if_absent);
  if (given.size() != count) {
    fail("attribute '" + std::string(name) + "' has " + std::to_string(given.size()) + " elements, expected " +
         std::to_string(count));
  }
  for (const int64_t value : given) {
    if (value < low || value > kMaxExtent) {
      fail("attribute '" + std::string(name) + "' holds " + std::to_string(value) + ", which is out of range");
    }
  }
  return Dims(given.begin(), given.end());
}

WindowSpec::AutoPad auto_pad_of(const Node& node) {
  const std::string_view mode = string_attr(node, "auto_pad");
  if (mode == "NOTSET") return WindowSpec::AutoPad::kNotSet;
  if (mode == "VALID") return WindowSpec::AutoPad::kValid;
  if (mode == "SAME_UPPER") return WindowSpec::AutoPad::kSameUpper;
  if (mode == "SAME_LOWER") return WindowSpec::AutoPad::kSameLower;
  fail("attribute 'auto_pad' is '" + std::string(mode) + "'");
}

bool has_ceil_mode(const Node& node) {
  const auto& attributes = node.op->attributes;
  return std::any_of(attributes.begin(), attributes.end(),
                     [](const AttributeDef& def) { return def.name == "ceil_mode"; });
}

}  // namespace

WindowSpec read_window(const Node& node, std::span<const int64_t> kernel) {
  const size_t rank = kernel.size();
  WindowSpec spec;
  spec.kernel.assign(kernel.begin(), kernel.end());
  for (const int64_t extent : kernel) {
    if (extent < 1 || extent > kMaxExtent) fail("a kernel extent is " + std::to_string(extent));
  }
  spec.strides = checked_list(node, "strides", rank, 1, 1);
  spec.dilations = checked_list(node, "dilations", rank, 1, 1);
  spec.auto_pad = auto_pad_of(node);
  spec.pads = checked_list(node, "pads", 2 * rank, 0, 0);
  if (spec.auto_pad != WindowSpec::AutoPad::kNotSet) std::fill(spec.pads.begin(), spec.pads.end(), 0);
  spec.ceil_mode = has_ceil_mode(node) && int_attr(node, "ceil_mode") != 0;
  return spec;
}

WindowAxis WindowSpec::axis(size_t idx, int64_t in) const {
  WindowAxis axis{.in = in,
                  .out = 0,
                  .kernel = kernel[idx],
                  .stride = strides[idx],
                  .dilation = dilations[idx],
                  .pad_begin = pads[idx],
                  .pad_end = pads[idx + kernel.size()]};
  if (auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower) {
    axis.out = (in + axis.stride - 1) / axis.stride;
    const int64_t total = std::max<int64_t>(0, (axis.out - 1) * axis.stride + axis.extent() - in);
    axis.pad_begin = auto_pad == AutoPad::kSameUpper ? total / 2 : total - total / 2;
    axis.pad_end = total - axis.pad_begin;
    return axis;
  }
  const int64_t room = in + axis.pad_begin + axis.pad_end - axis.extent();
  if (in == 0 || room < 0) {
    fail("a window of " + std::to_string(axis.extent()) + " does not fit in " + std::to_string(in) +
         " elements padded by " + std::to_string(axis.pad_begin) + " and " + std::to_string(axis.pad_end));
  }
  axis.out = (ceil_mode ? (room + axis.stride - 1) / axis.stride : room / axis.stride) + 1;
  // A window that would start in the padding at the end is dropped.
  if (ceil_mode && (axis.out - 1) * axis.stride >= in + axis.pad_begin) --axis.out;
  return axis;
}

Window WindowSpec::over(std::span<const int64_t> spatial) const {
  TINYC_CHECK(spatial.size() == kernel.size() && spatial.size() <= 3);
  Window window;
  for (size_t i = 0; i < spatial.size(); ++i) window.axes[3 - spatial.size() + i] = axis(i, spatial[i]);
  return window;
}

Dims kernel_shape_attr(const Node& node, int rank) {
  const std::span<const int64_t> given = ints_attr(node, "kernel_shape");
  if (given.size() != static_cast<size_t>(rank)) {
    fail("attribute 'kernel_shape' has " + std::to_string(given.size()) + " elements, expected " +
         std::to_string(rank));
  }
  return Dims(given.begin(), given.end());
}

void require_spatial(const InferContext& context, int idx) {
  const Shape& shape = context.shape(idx);
  if (shape.ranked() && (shape.rank() < 3 || shape.rank() > 5)) {
    context.fail_input(idx, "has rank " + std::to_string(shape.rank()) + ", expected 3, 4 or 5");
  }
}

Shape pooled_shape(const InferContext& context) {
  require_spatial(context, 0);
  const Shape& in = context.shape(0);
  if (!in.ranked()) return Shape::unranked();
  const int spatial = in.rank() - 2;
  const WindowSpec spec = read_window(context.node(), kernel_shape_attr(context.node(), spatial));
  Shape out{in[0], in[1]};
  for (int i = 0; i < spatial; ++i) {
    const Dim& dim = in[i + 2];
    out.push_back(dim.known() ? Dim(spec.axis(static_cast<size_t>(i), dim.value).out) : Dim());
  }
  return out;
}

Window pool_window(const Node& node, std::span<const int64_t> dims) {
  const auto spatial = dims.subspan(2);
  return read_window(node, kernel_shape_attr(node, static_cast<int>(spatial.size()))).over(spatial);
}

kernels::PlaneAxis plane_axis(const WindowAxis& axis) {
  return {axis.in, axis.out, axis.kernel, axis.stride, axis.dilation, axis.pad_begin};
}

}  // namespace tinyc
