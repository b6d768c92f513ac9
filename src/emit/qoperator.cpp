// Lowering to QOperator form: nodes read and write integers; floats exist only where an operator has no integer form.
//
// Each annotated value has up to two forms in the result, made when the first reader asks: its integers and the floats
// that they stand for. A node takes one of three ways:
//   - an operator with a row in the table of ops/qlinear.h becomes that QLinear operator, when onnxruntime has a kernel
//     for its types: 8-bit integers of one type, but uint8 data may meet int8 weights;
//   - an operator that moves elements, and whose values share one set of parameters, runs on the integers as it is;
//   - any other operator reads floats, and its annotated results are quantized behind it.
// Weights of less than 8 bits are stored in 8, as no such operator has a narrower type. Where both Concat and
// QLinearConcat would do, the standard operator is taken. Gemm becomes com.microsoft QGemm, as QLinearMatMul has no
// bias. A clamp that the grid of its output implies is left out: its producer writes the result.
//
// Names are those of emit/quantize_nodes.h, so that expand-qoperators and lift-quantization find the graph again.
#include <algorithm>
#include <optional>

#include "emit/byte_weights.h"
#include "emit/quantize_nodes.h"
#include "tinyc/base/error.h"
#include "tinyc/emit/lower.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// The grid is the whole of the storage type for every operator that runs on integers.
bool same_grid(const QParams& a, const QParams& b) {
  return a.storage == b.storage && a.scales == b.scales && a.zero_points == b.zero_points && a.axis == b.axis;
}

bool is_8_bit(const QParams& params) {
  return bits_of(params.storage) == 8;
}

// An attribute that might as well not be there: at its default, or dilations of one.
bool says_nothing(const Node& node, const AttributeDef& def) {
  if (def.type == AttributeType::kFloat) return float_attr(node, def.name) == def.float_default;
  if (def.type == AttributeType::kInt) return int_attr(node, def.name) == def.int_default;
  const auto ones = [](int64_t extent) { return extent == 1; };
  if (def.name != "dilations") return false;
  return std::all_of(ints_attr(node, def.name).begin(), ints_attr(node, def.name).end(), ones);
}

// Attributes of the float node as the QLinear operator has them; nothing when it lacks one that says something.
std::optional<AttributeList> carried_attributes(const Node& node, const OpDef& op) {
  AttributeList carried;
  for (const AttributeDef& def : node.op->attributes) {
    const auto given = node.attributes.find(def.name);
    if (given == node.attributes.end()) continue;
    const bool declared = std::any_of(op.attributes.begin(), op.attributes.end(),
                                      [&](const AttributeDef& other) { return other.name == def.name; });
    const bool known_to_runtime = op.name != "QLinearAveragePool" || def.name != "dilations";
    if (declared && known_to_runtime) {
      carried.insert(*given);
    } else if (!says_nothing(node, def)) {
      return {};
    }
  }
  if (op.name == "QLinearSoftmax") carried["opset"] = int64_t{13};
  return carried;
}

class QOperatorLowering {
 public:
  explicit QOperatorLowering(const Graph& source)
      : source_(source),
        uses_(source),
        out_(source),
        stored_(source.values.size()),
        real_(source.values.size(), kNoValue),
        result_of_(source.values.size(), kNoValue),
        dropped_(source.nodes.size(), false) {
    out_.nodes.clear();
    for (size_t i = 0; i < real_.size(); ++i) {
      if (linear_params(source, ValueId(i)) == nullptr) real_[i] = ValueId(i);
    }
  }

  Graph lower() {
    drop_clamps();
    for (size_t i = 0; i < source_.values.size(); ++i) {
      Value& value = out_.values[i];
      value.quant.reset();
      if (real_[i] == kNoValue && value.constant) value.constant.reset();
    }
    for (ValueId id : source_.inputs) {
      if (linear_params(source_, id) != nullptr) quantize_from(id, id);
    }
    for (size_t i = 0; i < source_.nodes.size(); ++i) {
      if (!dropped_[i]) lower_node(source_.nodes[i]);
    }
    for (ValueId& id : out_.outputs) id = real(id);
    remove_dead(out_);
    return std::move(out_);
  }

 private:
  const QParams* params_of(ValueId id) const { return linear_params(source_, id); }

  // Finds, for each value, the annotated one that its producer writes: itself, or that behind clamps which go.
  void drop_clamps() {
    for (size_t i = source_.nodes.size(); i-- > 0;) {
      const Node& node = source_.nodes[i];
      for (ValueId id : node.outputs) {
        if (id != kNoValue && params_of(id) != nullptr) result_of_[index_of(id)] = id;
      }
      if (node.inputs.empty() || node.outputs.empty() || node.outputs[0] == kNoValue) continue;
      const ValueId input = node.inputs[0];
      const ValueId result = result_of_[index_of(node.outputs[0])];
      if (result == kNoValue || input == kNoValue || params_of(input) != nullptr) continue;
      if (!uses_.has_single_reader(input) || uses_.producer_of(input) == kNoNode) continue;
      if (!implied_by_grid(source_, node, *params_of(result))) continue;
      dropped_[i] = true;
      result_of_[index_of(input)] = result;
    }
  }

  // Forms of a value.

  ValueId real(ValueId id) {
    ValueId& real = real_[index_of(id)];
    if (real != kNoValue) return real;
    const Value& value = source_[id];
    const Stored& stored = stored_of(id);
    const bool keeps_name = value.constant || (uses_.is_output[index_of(id)] && uses_.producer_of(id) != kNoNode);
    real = keeps_name ? id : add_like(out_, value, value.name + "_dq", DataType::kFloat);
    out_.nodes.push_back(dequantize_node(stem_of(source_[id].name) + "_dequantize", stored.integers, stored.params,
                                         real, *params_of(id)));
    return real;
  }

  const Stored& stored_of(ValueId id) {
    Stored& stored = stored_[index_of(id)];
    if (stored.integers == kNoValue) {
      TINYC_CHECK(source_[id].constant.has_value());
      stored = add_stored_constant(out_, source_[id]);
    }
    return stored;
  }

  const Stored& add_stored(ValueId id) {
    const Value& value = source_[id];
    const QParams& params = *params_of(id);
    const ValueId integers = add_like(out_, value, value.name + "_q", params.storage);
    return stored_[index_of(id)] = {integers, add_params(out_, stem_of(source_[id].name), params)};
  }

  // The integers of `id` are those of a float value.
  void quantize_from(ValueId id, ValueId real) {
    const Stored& stored = add_stored(id);
    out_.nodes.push_back(
        quantize_node(stem_of(source_[id].name) + "_quantize", real, stored.params, stored.integers, *params_of(id)));
  }

  void lower_node(const Node& node) {
    const ValueId result =
        node.outputs.empty() || node.outputs[0] == kNoValue ? kNoValue : result_of_[index_of(node.outputs[0])];
    if (result != kNoValue && (lower_movement(node, result) || lower_qlinear(node, result))) return;
    if (result != kNoValue && node.op != nullptr && node.op->name == "Identity") {  // a requantization
      return quantize_from(result, real(node.inputs[0]));
    }
    lower_to_floats(node);
  }

  void lower_to_floats(const Node& node) {
    Node copy = node;
    for (ValueId& id : copy.inputs) {
      if (id != kNoValue) id = real(id);
    }
    for (ValueId& id : copy.outputs) {
      if (id != kNoValue && result_of_[index_of(id)] != kNoValue) id = float_result(result_of_[index_of(id)]);
    }
    out_.nodes.push_back(copy);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId id = node.outputs[i];
      if (id != kNoValue && result_of_[index_of(id)] != kNoValue) {
        quantize_from(result_of_[index_of(id)], copy.outputs[i]);
      }
    }
  }

  // What a float operator writes in front of the QuantizeLinear that makes the integers of `id`.
  ValueId float_result(ValueId id) {
    if (!uses_.is_output[index_of(id)]) return id;
    return add_like(out_, source_[id], source_[id].name + "_raw", DataType::kFloat);
  }

  // Operators that move elements.

  bool lower_movement(const Node& node, ValueId result) {
    const QParams& params = *params_of(result);
    const std::vector<int> moved = moved_operands(node);
    if (moved.empty() || !is_8_bit(params) || params.axis >= 0) return false;
    const auto on_grid = [&](ValueId id) { return params_of(id) != nullptr && same_grid(*params_of(id), params); };
    const auto input = [&](int idx) { return node.inputs[static_cast<size_t>(idx)]; };
    if (!std::all_of(moved.begin(), moved.end(), [&](int idx) { return on_grid(input(idx)); })) return false;
    const bool stays = std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
      return id == kNoValue || source_[id].type.dtype != DataType::kFloat || on_grid(result_of_[index_of(id)]);
    });
    Node copy = node;
    if (!stays || (node.op->name == "Pad" && !fill_with_integer(copy, params))) return false;
    for (int idx : moved) copy.inputs[static_cast<size_t>(idx)] = stored_of(input(idx)).integers;
    for (ValueId& id : copy.outputs) {
      if (id != kNoValue && source_[id].type.dtype == DataType::kFloat) {
        id = add_stored(result_of_[index_of(id)]).integers;
      }
    }
    out_.nodes.push_back(std::move(copy));
    return true;
  }

  // Floats are padded with 0.0 when nothing else is said; integers need to be told what that is.
  bool fill_with_integer(Node& pad, const QParams& params) {
    constexpr size_t kFill = 2;
    if (string_attr(pad, "mode") != "constant") return true;
    Tensor fill = Tensor::scalar(0.0F);
    if (pad.inputs.size() > kFill && pad.inputs[kFill] != kNoValue) {
      const Value& given = source_[pad.inputs[kFill]];
      if (!given.constant || given.constant->dtype() != DataType::kFloat) return false;
      fill = *given.constant;
    }
    if (pad.inputs.size() <= kFill) pad.inputs.resize(kFill + 1, kNoValue);
    pad.inputs[kFill] = out_.add_constant(pad.name + "_fill", quantize(fill, params));
    return true;
  }

  // QLinear operators.

  bool lower_qlinear(const Node& node, ValueId result) {
    const QLinearLayout* layout = find_qlinear_of(node);
    if (layout == nullptr || !operands_fit(node, *layout, *params_of(result))) return false;
    const OpDef* op = find_op(layout->domain, layout->name);
    TINYC_CHECK(op != nullptr);
    auto attributes = carried_attributes(node, *op);
    if (!attributes) return false;
    Node lowered;
    lowered.op = op;
    lowered.name = node.name;
    lowered.origin = node.origin;
    lowered.attributes = std::move(*attributes);
    place_operands(node, *layout, lowered);
    const Stored& stored = add_stored(result);
    place(lowered, layout->result, stored.params.scale);
    place(lowered, layout->result + 1, stored.params.zero_point);
    lowered.outputs = {stored.integers};
    out_.nodes.push_back(std::move(lowered));
    if (!layout->domain.empty()) out_.opsets.try_emplace(std::string(layout->domain), 1);
    return true;
  }

  static void place(Node& node, int idx, ValueId id) {
    const auto at = static_cast<size_t>(idx);
    if (node.inputs.size() <= at) node.inputs.resize(at + 1, kNoValue);
    node.inputs[at] = id;
  }

  void place_operands(const Node& node, const QLinearLayout& layout, Node& lowered) {
    const size_t first = layout.plain >= 0 ? 1 : 0;
    if (first > 0) place(lowered, layout.plain, real(node.inputs[0]));
    int at = layout.data;
    for (size_t i = first; i < first + data_count(node, layout); ++i, at += 3) {
      const Stored& stored = stored_of(node.inputs[i]);
      place(lowered, at, stored.integers);
      place(lowered, at + 1, stored.params.scale);
      place(lowered, at + 2, stored.params.zero_point);
    }
    const ValueId bias = bias_of(node, layout);
    if (bias != kNoValue) place(lowered, layout.bias, stored_of(bias).integers);
  }

  static size_t data_count(const Node& node, const QLinearLayout& layout) {
    return layout.data_count == kAllData ? node.inputs.size() : static_cast<size_t>(layout.data_count);
  }

  static ValueId bias_of(const Node& node, const QLinearLayout& layout) {
    const auto at = static_cast<size_t>(layout.data_count);
    return layout.bias >= 0 && at < node.inputs.size() ? node.inputs[at] : kNoValue;
  }

  bool operands_fit(const Node& node, const QLinearLayout& layout, const QParams& result) const {
    if (!is_8_bit(result) || result.axis >= 0) return false;
    const size_t first = layout.plain >= 0 ? 1 : 0;
    for (size_t i = first; i < first + data_count(node, layout); ++i) {
      const QParams* params = params_of(node.inputs[i]);
      const bool weight = i == 1 && node.op->quant.weights[0] == 1 && source_[node.inputs[i]].constant;
      if (params == nullptr || !(weight ? weight_fits(node, *params, result) : data_fit(*params, result))) return false;
    }
    const ValueId bias = bias_of(node, layout);
    return bias == kNoValue || bias_fits(node, bias);
  }

  static bool data_fit(const QParams& params, const QParams& result) {
    return params.axis < 0 && params.storage == result.storage;
  }

  bool weight_fits(const Node& node, const QParams& params, const QParams& result) const {
    if (params.block != 0 || !is_8_bit(params)) return false;
    if (params.storage != DataType::kInt8 && result.storage == DataType::kInt8) return false;
    if (params.axis < 0) return true;
    const int rank = source_[node.inputs[1]].type.shape.rank();
    const bool one_zero_point = std::adjacent_find(params.zero_points.begin(), params.zero_points.end(),
                                                   std::not_equal_to<>()) == params.zero_points.end();
    return one_zero_point && node.op->quant.channel_axis != nullptr &&
           params.axis == node.op->quant.channel_axis(node, 1, rank);
  }

  // A bias has no parameters of its own: they must be the ones that the operator assumes.
  bool bias_fits(const Node& node, ValueId bias) const {
    const QParams* params = params_of(bias);
    const QParams& data = *params_of(node.inputs[0]);
    const QParams& weight = *params_of(node.inputs[1]);
    if (params == nullptr || params->storage != DataType::kInt32 || source_[bias].type.shape.rank() != 1) return false;
    const bool gemm = node.op->name == "Gemm";
    if (gemm && float_attr(node, "beta") != 1.0F) return false;
    const float factor = gemm ? float_attr(node, "alpha") : 1.0F;
    if (params->scales.size() != weight.scales.size()) return false;
    for (size_t i = 0; i < params->scales.size(); ++i) {
      if (params->scales[i] != factor * (data.scales[0] * weight.scales[i]) || params->zero_points[i] != 0) {
        return false;
      }
    }
    return true;
  }

  const Graph& source_;
  const Uses uses_;
  Graph out_;
  std::vector<Stored> stored_;      // by value of the source: its integers in the result, once they exist
  std::vector<ValueId> real_;       // by value of the source: its floats in the result, once they exist
  std::vector<ValueId> result_of_;  // by value of the source: the annotated value that its producer writes
  std::vector<bool> dropped_;       // by node of the source: a clamp that the grid implies
};

}  // namespace

Graph lower_to_qoperator(const Graph& graph) {
  const Graph wide = with_byte_weights(graph);
  return QOperatorLowering(wide).lower();
}

}  // namespace tinyc
