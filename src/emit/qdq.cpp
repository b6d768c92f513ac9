// Lowering to QDQ form. See emit/lower.h for what comes out.
//
// Names: for an annotated activation `v` the float result of its producer keeps the name `v`, the integers are `v_q`,
// what readers see is `v_dq`; when `v` is a graph output, its public name stays with what is handed out: `v_raw`,
// `v_q`, `v`. A constant `w` becomes `w_q` and a DequantizeLinear that gives `w`. lift-quantization (passes) undoes
// exactly this, so that a model read back and written again has the same bytes.
#include <algorithm>

#include "emit/byte_weights.h"
#include "emit/quantize_nodes.h"
#include "tinyc/emit/lower.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

class QdqLowering {
 public:
  explicit QdqLowering(const Graph& source) : source_(source), uses_(source), out_(source) {
    out_.nodes.clear();
    readable_.resize(source.values.size());
    for (size_t i = 0; i < readable_.size(); ++i) readable_[i] = ValueId(i);
  }

  Graph lower() {
    for (size_t i = 0; i < source_.values.size(); ++i) {
      if (source_.values[i].constant && linear_params(source_, ValueId(i)) != nullptr) lower_constant(ValueId(i));
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
  void lower_constant(ValueId id) {
    const Value& value = source_[id];
    const Stored stored = add_stored_constant(out_, value);
    out_[id].constant.reset();
    out_.nodes.push_back(dequantize_node(stem_of(value.name) + "_dequantize", stored.integers, stored.params, id,
                                         *linear_params(source_, id)));
  }

  void lower_activation(ValueId id) {
    const QParams& params = *linear_params(source_, id);
    const std::string& name = source_[id].name;
    const std::string stem = stem_of(name);
    const ParamOperands operands = add_params(out_, stem, params);
    const ValueId stored = add_like(out_, source_[id], stem + "_q", params.storage);
    const ValueId real = add_like(out_, source_[id], name + "_dq", DataType::kFloat);
    if (uses_.is_output[index_of(id)] && uses_.producer_of(id) != kNoNode) {
      out_[id].name = out_.unique_name(name + "_raw");
      out_[real].name = name;
    }
    out_.nodes.push_back(quantize_node(stem + "_quantize", id, operands, stored, params));
    out_.nodes.push_back(dequantize_node(stem + "_dequantize", stored, operands, real, params));
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
    const QParams* params = linear_params(source_, first);
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
  const Graph merged = without_byte_blocks(graph);
  return QdqLowering(merged).lower();
}

}  // namespace tinyc
