#include "tinyc/pass/masked_weights.h"

#include "tinyc/pass/rewrite.h"

namespace tinyc {

bool MaskedWeights::treats(const Graph& graph, const Node& node, int weight) const {
  const ValueId id = operand(node, weight);
  return id != kNoValue && graph[id].constant && !graph[id].quant;
}

std::string MaskedWeights::obstacle(const Graph& graph, const LinearLayer& layer) const {
  return is_shared(graph, weight_id(graph, layer)) ? "another node reads its weights" : "";
}

bool MaskedWeights::must_change(const Graph& graph, const LinearLayer& layer) const {
  return context_.masks.contains(graph[weight_id(graph, layer)].name);
}

void MaskedWeights::choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) {
  Value& weight = graph[weight_id(graph, layer)];
  const std::vector<GroupMask> held = held_weights(context_.masks, weight.name, layer.form());
  const std::vector<Matrix> weights = best_with_zeros(errors, held, context_.threads);
  weight.constant = replaced_weights(layer.form(), *weight.constant, weights);
}

}  // namespace tinyc
