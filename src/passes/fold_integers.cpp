// fold-integers: nodes that compute integers from constant integers are computed now.
//
// What a model keeps packed (indices into a codebook, bits of several weights in a byte) must be integers before
// quantization is read from the model, and its DequantizeLinear must not be computed, or the weights would be floats.
// So this stands in front of expand-qoperators and lift-quantization, and all other folding behind them.
#include <algorithm>

#include "tinyc/ops/op.h"
#include "tinyc/pass/fold_nodes.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

constexpr int64_t kMostBytes = int64_t{64} << 20;  // of a result that is larger than its operands

bool all_integers(const Graph& graph, std::span<const ValueId> ids) {
  return std::all_of(ids.begin(), ids.end(),
                     [&](ValueId id) { return id == kNoValue || is_integer(graph[id].type.dtype); });
}

bool computes_integers(const Graph& graph, const Node& node) {
  return all_integers(graph, node.inputs) && all_integers(graph, node.outputs);
}

bool run(Graph& graph, PassContext& context) {
  const bool changed = fold_nodes(graph, kMostBytes, context, computes_integers);
  if (changed) remove_dead(graph);
  return changed;
}

}  // namespace

extern constexpr PassDef k_fold_integers = make_pass<run>(
    "fold-integers", "compute integers that are made of constant integers", Contract::kExact, Stage::kNormalize);

}  // namespace tinyc
