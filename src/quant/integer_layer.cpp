#include "tinyc/quant/integer_layer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "ops/window.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

using TapSet = std::vector<bool>;

// The sets of taps along one axis that lie inside the input, over all positions.
std::set<TapSet> tap_sets(const WindowAxis& axis) {
  std::set<TapSet> sets;
  for (int64_t out = 0; out < axis.out; ++out) {
    TapSet set;
    for (int64_t tap = 0; tap < axis.kernel; ++tap) {
      const int64_t at = axis.first(out) + tap * axis.dilation;
      set.push_back(at >= 0 && at < axis.in);
    }
    sets.insert(std::move(set));
  }
  return sets;
}

std::vector<TapSet> windows_of(const Window& window) {
  std::vector<TapSet> windows;
  for (const TapSet& depth : tap_sets(window.axes[0])) {
    for (const TapSet& height : tap_sets(window.axes[1])) {
      for (const TapSet& width : tap_sets(window.axes[2])) {
        TapSet all;
        for (const bool z : depth) {
          for (const bool y : height) {
            for (const bool x : width) all.push_back(z && y && x);
          }
        }
        windows.push_back(std::move(all));
      }
    }
  }
  return windows;
}

ValueId operand_of(const Node& node, int idx) {
  return idx >= 0 && idx < static_cast<int>(node.inputs.size()) ? node.inputs[static_cast<size_t>(idx)] : kNoValue;
}

bool is_onnx_op(const Node& node, std::string_view name) {
  return node.op != nullptr && node.op->domain.empty() && node.op->name == name;
}

class Reader {
 public:
  Reader(const Graph& graph, const Uses& uses, const Node& node) : graph_(graph), uses_(uses), node_(node) {}

  std::optional<IntegerLayer> read() {
    if (node_.op == nullptr || node_.op->quant.weights[0] != 1 || node_.op->quant.channel_axis == nullptr) return {};
    data_ = linear_params(graph_, operand_of(node_, 0));
    weight_ = linear_params(graph_, operand_of(node_, 1));
    if (data_ == nullptr || data_->axis >= 0 || weight_ == nullptr || weight_->block != 0 || !owns(node_.inputs[1])) {
      return {};
    }
    axis_ = node_.op->quant.channel_axis(node_, 1, weight().constant->rank());
    if (weight_->axis >= 0 && weight_->axis != axis_) return {};
    const bool known = is_onnx_op(node_, "Conv") ? read_conv() : read_matrix();
    if (!known || !read_bias()) return {};
    return std::move(layer_);
  }

 private:
  const Value& weight() const { return graph_[node_.inputs[1]]; }
  bool owns(ValueId id) const { return graph_[id].constant && uses_.has_single_reader(id); }

  // Weights in steps, and the scale of each output, from weights whose output channels lie along axis 0.
  void take_weight(std::vector<int64_t> stored) {
    const auto per_output = static_cast<size_t>(layer_.inputs * layer_.taps);
    for (size_t i = 0; i < stored.size(); ++i) {
      const size_t at = weight_->axis < 0 ? 0 : i / per_output;
      layer_.weight.push_back(static_cast<int32_t>(stored[i] - weight_->zero_points[at]));
    }
    for (size_t o = 0; o < static_cast<size_t>(layer_.outputs); ++o) {
      layer_.scale.push_back(static_cast<double>(data_->scales[0]) *
                             static_cast<double>(weight_->scales[weight_->axis < 0 ? 0 : o]));
    }
  }

  bool read_conv() {
    const Shape& data = graph_[node_.inputs[0]].type.shape;
    const Dims& dims = weight().constant->dims();
    const int64_t group = int_attr(node_, "group");
    if (!data.ranked() || data.rank() < 3 || data.rank() > 5 || data.rank() != static_cast<int>(dims.size())) {
      return false;
    }
    Dims spatial;
    for (int i = 1; i < data.rank(); ++i) {
      if (!data[i].known()) return false;
      if (i > 1) spatial.push_back(data[i].value);
    }
    layer_.depthwise = group > 1;
    if (layer_.depthwise && (group != data[1].value || group != dims[0] || dims[1] != 1)) return false;
    layer_.outputs = dims[0];
    layer_.inputs = dims[1];
    layer_.taps = element_count(std::span(dims).subspan(2));
    layer_.windows = windows_of(read_window(node_, std::span(dims).subspan(2)).over(spatial));
    take_weight(stored_integers(weight()));
    return true;
  }

  bool read_matrix() {
    const bool gemm = is_onnx_op(node_, "Gemm");
    const Shape& data = graph_[node_.inputs[0]].type.shape;
    const Dims& dims = weight().constant->dims();
    if ((!gemm && !is_onnx_op(node_, "MatMul")) || !data.ranked() || data.rank() != 2 || dims.size() != 2) return false;
    if (gemm &&
        (float_attr(node_, "alpha") != 1.0F || float_attr(node_, "beta") != 1.0F || int_attr(node_, "transA") != 0)) {
      return false;
    }
    layer_.outputs = dims[static_cast<size_t>(axis_)];
    layer_.inputs = dims[static_cast<size_t>(1 - axis_)];
    layer_.windows = {{true}};
    std::vector<int64_t> stored = stored_integers(weight());
    if (axis_ == 1) {
      const std::vector<int64_t> given = stored;
      for (size_t i = 0; i < given.size(); ++i) {
        const auto outputs = static_cast<size_t>(layer_.outputs), inputs = static_cast<size_t>(layer_.inputs);
        stored[i % outputs * inputs + i / outputs] = given[i];
      }
    }
    take_weight(std::move(stored));
    return true;
  }

  bool read_bias() {
    layer_.bias.assign(static_cast<size_t>(layer_.outputs), 0);
    const ValueId id = operand_of(node_, node_.op->quant.bias);
    if (id == kNoValue) return true;
    const QParams* params = linear_params(graph_, id);
    if (params == nullptr || params->storage != DataType::kInt32 || params->block != 0 || !owns(id)) return false;
    const Tensor& constant = *graph_[id].constant;
    if (constant.rank() != 1 || constant.size() != layer_.outputs) return false;
    for (size_t o = 0; o < layer_.bias.size(); ++o) {
      const size_t at = params->axis < 0 ? 0 : o;
      const double scale = static_cast<double>(params->scales[at]);
      if (params->zero_points[at] != 0 || std::abs(scale - layer_.scale[o]) > layer_.scale[o] * 0x1p-20) return false;
    }
    layer_.bias = stored_integers(graph_[id]);
    return true;
  }

  const Graph& graph_;
  const Uses& uses_;
  const Node& node_;
  const QParams* data_ = nullptr;
  const QParams* weight_ = nullptr;
  int axis_ = 0;
  IntegerLayer layer_;
};

}  // namespace

std::vector<int64_t> stored_integers(const Value& constant) {
  const Tensor& tensor = *constant.constant;
  if (tensor.dtype() != constant.type.dtype) return tensor.to_int64();
  return quantize(tensor, std::get<QParams>(*constant.quant)).to_int64();
}

std::optional<IntegerLayer> read_integer_layer(const Graph& graph, const Uses& uses, const Node& node) {
  return Reader(graph, uses, node).read();
}

std::optional<Range> reachable_output(const IntegerLayer& layer, int64_t output, std::span<const Range> inputs) {
  const auto bias = static_cast<double>(layer.bias[static_cast<size_t>(output)]);
  Range hull{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  double largest = 0;  // sum of magnitudes
  for (const std::vector<bool>& window : layer.windows) {
    Range sum{bias, bias};
    double magnitude = std::abs(bias);
    for (int64_t i = 0; i < layer.inputs; ++i) {
      const std::span<const int32_t> weight = layer.weight_of(output, i);
      const Range& input = inputs[static_cast<size_t>(layer.depthwise ? output : i)];
      for (size_t t = 0; t < weight.size(); ++t) {
        if (!window[t] || weight[t] == 0) continue;
        const double w = weight[t], a = w * input.low, b = w * input.high;
        sum.low += std::min(a, b);
        sum.high += std::max(a, b);
        magnitude += std::max(std::abs(a), std::abs(b));
      }
    }
    hull = {std::min(hull.low, sum.low), std::max(hull.high, sum.high)};
    largest = std::max(largest, magnitude);
  }
  if (hull.low < -2147483648.0 || hull.high > 2147483647.0) return std::nullopt;
  const double slack = largest * static_cast<double>(layer.inputs * layer.taps + 1) * 0x1p-24;
  const double scale = layer.scale[static_cast<size_t>(output)];
  return Range{(hull.low - slack) * scale, (hull.high + slack) * scale};
}

std::optional<int64_t> constant_contribution(const IntegerLayer& layer, int64_t output, int64_t input, int64_t steps) {
  const std::span<const int32_t> weight = layer.weight_of(output, input);
  std::optional<int64_t> common;
  for (const std::vector<bool>& window : layer.windows) {
    int64_t sum = 0;
    for (size_t t = 0; t < weight.size(); ++t) sum += window[t] ? weight[t] * steps : 0;
    if (common && *common != sum) return std::nullopt;
    common = sum;
  }
  return common;
}

}  // namespace tinyc
