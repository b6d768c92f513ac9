// Lowering to QDQ form. See emit/lower.h for what comes out.
//
// Names: for an annotated activation `v` the float result of its producer keeps the name `v`, the integers are `v_q`,
// what readers see is `v_dq`; when `v` is a graph output, its public name stays with what is handed out: `v_raw`,
// `v_q`, `v`. A constant `w` becomes `w_q` and a DequantizeLinear that gives `w`. lift-quantization (passes) undoes
// exactly this, so that a model read back and written again has the same bytes.
#include <algorithm>
#include <limits>

#include "tinyc/base/error.h"
#include "tinyc/emit/lower.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// The grid of `out` implies the clamp: no grid point lies outside [low, high] of a Relu or Clip with constant limits.
bool implied_by_grid(const Graph& graph, const Node& node, const QParams& params) {
  if (node.op == nullptr || node.op->quant.kind != QuantKind::kClamp || params.axis >= 0) return false;
  const auto limit = [&](size_t idx, float otherwise) -> std::optional<float> {
    if (idx >= node.inputs.size() || node.inputs[idx] == kNoValue) return otherwise;
    const Value& value = graph[node.inputs[idx]];
    if (!value.constant || value.constant->dtype() != DataType::kFloat) return std::nullopt;
    return value.constant->data<float>()[0];
  };
  const bool is_relu = node.op->inputs.max == 1;
  const std::optional<float> low = is_relu ? 0.0F : limit(1, -std::numeric_limits<float>::infinity());
  const std::optional<float> high = limit(2, std::numeric_limits<float>::infinity());
  if (!low || !high) return false;
  const float grid_low = static_cast<float>(params.q_min - params.zero_points[0]) * params.scales[0];
  const float grid_high = static_cast<float>(params.q_max - params.zero_points[0]) * params.scales[0];
  const float slack = params.scales[0] * 0x1p-12F;  // the limit itself, a rounding of the scale away
  return grid_low >= *low - (*low == 0.0F ? 0.0F : slack) && grid_high <= *high + slack;
}

class QdqLowering {
 public:
  explicit QdqLowering(const Graph& source) : source_(source), uses_(source), out_(source) {
    out_.nodes.clear();
    readable_.resize(source.values.size());
    for (size_t i = 0; i < readable_.size(); ++i) readable_[i] = ValueId(i);
  }

  Graph lower() {
    for (size_t i = 0; i < source_.values.size(); ++i) {
      if (source_.values[i].constant && source_.values[i].quant) lower_constant(ValueId(i));
    }
    for (ValueId id : source_.inputs) {
      if (source_[id].quant) lower_activation(id);
    }
    for (const Node& node : source_.nodes) lower_node(node);
    for (ValueId& id : out_.outputs) id = readable_[index_of(id)];
    for (Value& value : out_.values) value.quant.reset();
    remove_dead(out_);
    return std::move(out_);
  }

 private:
  const QParams& params_of(ValueId id) const { return std::get<QParams>(*source_[id].quant); }

  ValueId add_params(const std::string& name, const QParams& params, ValueId* zero_point) {
    Dims dims;
    if (params.axis >= 0) dims = {static_cast<int64_t>(params.scales.size())};
    Tensor zeros = Tensor::zeros(params.storage, dims);
    const int bytes = bits_of(params.storage) / 8;
    for (size_t i = 0; i < params.zero_points.size(); ++i) {
      if (bytes == 0) {
        store_packed(zeros.mutable_bytes(), params.storage, static_cast<int64_t>(i), params.zero_points[i]);
      } else {
        std::memcpy(zeros.mutable_bytes() + i * static_cast<size_t>(bytes), &params.zero_points[i],
                    static_cast<size_t>(bytes));
      }
    }
    const ValueId scale = out_.add_constant(name + "_scale", Tensor::of<float>(dims, params.scales));
    *zero_point = out_.add_constant(name + "_zero_point", std::move(zeros));
    return scale;
  }

  void add_node(std::string_view op, const std::string& name, std::vector<ValueId> inputs, ValueId output, int axis) {
    Node node;
    node.op = find_op("", op);
    TINYC_CHECK(node.op != nullptr);
    node.name = name;
    node.inputs = std::move(inputs);
    node.outputs = {output};
    if (axis >= 0) node.attributes["axis"] = static_cast<int64_t>(axis);
    out_.nodes.push_back(std::move(node));
  }

  ValueId add_like(ValueId id, const std::string& name, DataType dtype) {
    Value value;
    value.name = out_.unique_name(name);
    value.type = {dtype, source_[id].type.shape};
    return out_.add_value(std::move(value));
  }

  void lower_constant(ValueId id) {
    const Value& value = source_[id];
    const QParams& params = params_of(id);
    TINYC_CHECK(value.constant->dtype() == params.storage);
    const std::string name = value.name;
    const ValueId stored = out_.add_constant(name + "_q", *value.constant);
    ValueId zero_point{};
    const ValueId scale = add_params(name, params, &zero_point);
    std::vector<ValueId> operands{stored, scale, zero_point};
    if (params.storage == DataType::kInt32) operands.pop_back();  // a bias has none; absent means 0
    out_[id].constant.reset();
    add_node("DequantizeLinear", name + "_dequantize", std::move(operands), id, params.axis);
  }

  void lower_activation(ValueId id) {
    const QParams& params = params_of(id);
    const std::string name = source_[id].name;
    const bool is_output = uses_.is_output[index_of(id)];
    ValueId zero_point{};
    const ValueId scale = add_params(name, params, &zero_point);
    const ValueId stored = add_like(id, name + "_q", params.storage);
    const ValueId real = add_like(id, name + "_dq", DataType::kFloat);
    if (is_output && uses_.producer_of(id) != kNoNode) {
      out_[id].name = out_.unique_name(name + "_raw");
      out_[real].name = name;
    }
    add_node("QuantizeLinear", name + "_quantize", {id, scale, zero_point}, stored, params.axis);
    add_node("DequantizeLinear", name + "_dequantize", {stored, scale, zero_point}, real, params.axis);
    readable_[index_of(id)] = real;
  }

  // The QuantizeLinear just made reads `input` in place of the result of a node that is left out. A producer that has
  // no other reader takes over the result's name.
  void feed_quantize_from(ValueId result, ValueId input, bool takes_name) {
    Node& quantize = out_.nodes.end()[-2];
    std::replace(quantize.inputs.begin(), quantize.inputs.end(), result, input);
    if (takes_name) std::swap(out_[result].name, out_[input].name);
  }

  void lower_node(const Node& node) {
    const ValueId first = node.outputs.empty() ? kNoValue : node.outputs[0];
    const QParams* params = first != kNoValue && source_[first].quant ? &params_of(first) : nullptr;
    const bool requantizes = node.op != nullptr && node.op->name == "Identity" && params != nullptr;
    const bool dropped = params != nullptr && !source_[node.inputs[0]].quant &&
                         uses_.has_single_reader(node.inputs[0]) && implied_by_grid(source_, node, *params);
    if (requantizes || dropped) {
      lower_activation(first);
      feed_quantize_from(first, readable_[index_of(node.inputs[0])], dropped);
      return;
    }
    Node copy = node;
    for (ValueId& id : copy.inputs) {
      if (id != kNoValue) id = readable_[index_of(id)];
    }
    out_.nodes.push_back(std::move(copy));
    for (ValueId id : node.outputs) {
      if (id != kNoValue && source_[id].quant) lower_activation(id);
    }
  }

  const Graph& source_;
  const Uses uses_;
  Graph out_;
  std::vector<ValueId> readable_;  // by value of the source: what readers read in the lowered graph
};

}  // namespace

Graph lower_to_qdq(const Graph& graph) {
  return QdqLowering(graph).lower();
}

}  // namespace tinyc
