// Weights of which some are held at 0 (quant/weight_mask.h), fitted layer by layer: the others are solved for again in
// closed form, near the targets of pass/layer_fit.h. What all methods that prune share.
#pragma once

#include <string>
#include <vector>

#include "tinyc/pass/layer_fit.h"

namespace tinyc {

class MaskedWeights : public LayerMethod {
 public:
  // The masks are those of the context, as they are when a layer is fitted.
  explicit MaskedWeights(const PassContext& context) : context_(context) {}

  // Constants of floats that are not quantized yet.
  bool treats(const Graph& graph, const Node& node, int weight) const override;
  std::string obstacle(const Graph& graph, const LinearLayer& layer) const override;
  // Layers with masks.
  bool must_change(const Graph& graph, const LinearLayer& layer) const override;
  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override;

 private:
  const PassContext& context_;
};

}  // namespace tinyc
