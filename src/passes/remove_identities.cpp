// remove-identities: drops nodes that hand their input on unchanged.
//
// These are Identity, Dropout (inference), and any op that is a view (Reshape, Flatten, Squeeze, ...) or a Transpose
// whose output surely has its input's very shape and order. Kept: an Identity whose output is stored on another grid
// than its input, which is a requantization.
#include <algorithm>

#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

bool same_known_shape(const Shape& a, const Shape& b) {
  if (!a.ranked() || !b.ranked() || a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (!a[i].same_as(b[i])) return false;
  }
  return true;
}

bool is_read(const Uses& uses, ValueId id) {
  return id != kNoValue && (uses.is_output[index_of(id)] || !uses.consumers_of(id).empty());
}

bool hands_on(const Graph& graph, const Node& node) {
  if (node.op == nullptr || node.outputs.empty() || node.outputs.front() == kNoValue) return false;
  if (is_op(node, "Identity")) return true;
  if (is_op(node, "Dropout")) {
    const Tensor* training = plain_constant(graph, node, 2);
    return operand(node, 2) == kNoValue || (training != nullptr && training->to_int64().front() == 0);
  }
  return node.op->is_view && same_known_shape(graph[node.inputs[0]].type.shape, graph[node.outputs[0]].type.shape);
}

bool run(Graph& graph, PassContext& context) {
  bool changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!hands_on(graph, node)) continue;
    const ValueId input = node.inputs[0];
    const Value& output = graph[node.outputs[0]];
    if (output.quant && output.quant != graph[input].quant) continue;
    const Uses uses(graph);
    if (std::any_of(node.outputs.begin() + 1, node.outputs.end(), [&](ValueId id) { return is_read(uses, id); })) {
      continue;  // Dropout's mask
    }
    if (!bypass(graph, uses, NodeId(i), input)) continue;
    context.count("removed");
    changed = true;
  }
  if (changed) remove_dead(graph);
  return changed;
}

}  // namespace

extern constexpr PassDef k_remove_identities = make_pass<run>(
    "remove-identities", "drop nodes that hand their input on unchanged", Contract::kExact, Stage::kNormalize);

}  // namespace tinyc
