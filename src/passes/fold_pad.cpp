// fold-pad: a Pad with zeros in front of a Conv becomes the Conv's own padding.
//
// Exact: both put the same zeros at the same places. Needed: mode constant with value 0, pads constant and not
// negative, none on batch and channels, explicit padding on the Conv, and no other reader of the padded value. A
// quantized Conv then pads with the zero point, which stands for exactly 0.
#include <algorithm>

#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

// [begin..., end...] over all axes of a rank, or nothing when the Pad is of another kind.
std::optional<std::vector<int64_t>> zero_pads(const Graph& graph, const Node& node, int rank) {
  if (!is_op(node, "Pad") || string_attr(node, "mode") != "constant") return std::nullopt;
  const Tensor* pads = plain_constant(graph, node, 1);
  if (pads == nullptr || (operand(node, 2) != kNoValue && plain_constant(graph, node, 2) == nullptr))
    return std::nullopt;
  if (const Tensor* value = plain_constant(graph, node, 2);
      value != nullptr && value->to_float() != std::vector{0.0F}) {
    return std::nullopt;
  }
  const std::vector<int64_t> given = pads->to_int64();
  std::vector<int64_t> axes;
  if (operand(node, 3) != kNoValue) {
    const Tensor* tensor = plain_constant(graph, node, 3);
    if (tensor == nullptr) return std::nullopt;
    for (int64_t axis : tensor->to_int64()) axes.push_back(normalize_axis(axis, rank));
  } else {
    for (int i = 0; i < rank; ++i) axes.push_back(i);
  }
  if (given.size() != 2 * axes.size() || std::any_of(given.begin(), given.end(), [](int64_t pad) { return pad < 0; })) {
    return std::nullopt;
  }
  std::vector<int64_t> all(2 * static_cast<size_t>(rank), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    all[static_cast<size_t>(axes[i])] = given[i];
    all[static_cast<size_t>(axes[i] + rank)] = given[i + axes.size()];
  }
  return all;
}

bool fold_into(Graph& graph, NodeId conv_id, const std::vector<int64_t>& pads, int rank) {
  Node& conv = graph[conv_id];
  if (!is_op(conv, "Conv")) return false;
  const std::string_view auto_pad = string_attr(conv, "auto_pad");
  if (auto_pad != "NOTSET" && auto_pad != "VALID") return false;
  const auto all_rank = static_cast<size_t>(rank);
  const size_t spatial = all_rank - 2;
  if (pads[0] != 0 || pads[1] != 0 || pads[all_rank] != 0 || pads[all_rank + 1] != 0) return false;
  std::vector<int64_t> own(2 * spatial, 0);
  if (auto_pad == "NOTSET" && has_attr(conv, "pads")) {
    const auto given = ints_attr(conv, "pads");
    own.assign(given.begin(), given.end());
  }
  for (size_t i = 0; i < spatial; ++i) {
    own[i] += pads[i + 2];
    own[i + spatial] += pads[i + 2 + all_rank];
  }
  conv.attributes.erase("auto_pad");
  conv.attributes["pads"] = own;
  return true;
}

bool run(Graph& graph, PassContext& context) {
  bool changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!is_op(graph.nodes[i], "Pad")) continue;
    const Shape& shape = graph[graph.nodes[i].inputs[0]].type.shape;
    if (!shape.ranked() || shape.rank() < 3) continue;
    const auto pads = zero_pads(graph, graph.nodes[i], shape.rank());
    const Uses uses(graph);
    const NodeId reader = only_reader(uses, graph.nodes[i].outputs[0]);
    if (!pads || reader == kNoNode || operand(graph[reader], 0) != graph.nodes[i].outputs[0]) continue;
    if (!fold_into(graph, reader, *pads, shape.rank())) continue;
    bypass(graph, uses, NodeId(i), graph.nodes[i].inputs[0]);
    context.count("folded");
    changed = true;
  }
  if (changed) remove_dead(graph);
  return changed;
}

}  // namespace

extern constexpr PassDef k_fold_pad = make_pass<run>(
    "fold-pad", "turn a Pad of zeros into the padding of the Conv behind it", Contract::kExact, Stage::kRewrite);

}  // namespace tinyc
