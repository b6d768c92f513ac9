#include "pass/layer_fitter.h"

#include <optional>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

std::vector<const LinearForm*> forms_of(const LinearLayer& layer, SampleChoice is_in) {
  std::vector<const LinearForm*> forms;
  for (size_t s = 0; s < layer.now.size(); ++s) {
    if (is_in(s, layer.now.size())) forms.push_back(&layer.now[s]);
  }
  return forms;
}

std::vector<Matrix> targets_of(const LinearLayer& layer, const std::vector<Moments>& moments, double damping) {
  if (damping == kNoTarget) return layer.weights;
  std::vector<Matrix> targets;
  for (size_t g = 0; g < moments.size(); ++g) {
    targets.push_back(best_weights(layer.weights[g], moments[g], damping));
  }
  return targets;
}

RowNumbers zeros_of(const LinearLayer& layer) {
  return {static_cast<size_t>(layer.form().groups), std::vector<double>(static_cast<size_t>(layer.form().rows), 0.0)};
}

void add_to(std::vector<double>& sum, const std::vector<double>& other, double factor) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += factor * other[i];
}

}  // namespace

void LayerFitter::apply(const LinearLayer& layer, const FitData& data, const FitPlan& plan) {
  const std::vector<Moments> moments = moments_of(layer, data);
  if (plan.change == Change::kWeights) choose_weights(layer, data, moments, plan);
  if (!has_free_bias(graph_, layer)) return;
  const std::vector<Matrix> stored = read_weights(layer.form(), weights_as_computed(layer));
  RowNumbers shift;
  for (size_t g = 0; g < moments.size(); ++g) shift.push_back(bias_shift(layer.weights[g], stored[g], moments[g]));
  set_bias(layer, shift);
}

void LayerFitter::choose_weights(const LinearLayer& layer, const FitData& data, const std::vector<Moments>& moments,
                                 const FitPlan& plan) {
  const std::vector<Matrix> targets = targets_of(layer, moments, data.damping);
  std::vector<OutputError> errors;
  for (size_t g = 0; g < moments.size(); ++g) errors.push_back({damped(moments[g].h, plan.damping), targets[g]});
  plan.thorough ? method_.choose_thoroughly(graph_, layer, std::move(errors))
                : method_.choose(graph_, layer, std::move(errors));
}

void LayerFitter::refine(const LinearLayer& layer, const FitData& data) {
  const bool free_bias = has_free_bias(graph_, layer);
  const std::vector<Moments> moments = moments_of(layer, data);
  const std::optional<RowNumbers> known = read_bias(reference_, layer), now = read_bias(graph_, layer);
  LayerData seen{forms_of(layer, data.is_in),
                 targets_of(layer, moments, data.damping),
                 zeros_of(layer),
                 zeros_of(layer),
                 free_bias,
                 {}};
  if (known && now) {
    const Node& node = reference_[layer.id];
    seen.target_bias = *known;
    seen.bias = *now;
    // Where the node's output is the layer's sums.
    if (node.op->quant.scaling == Scaling::kLayer) seen.limits = limits_of(node.outputs[0]);
  }
  for (size_t g = 0; g < moments.size() && free_bias; ++g) {
    add_to(seen.target_bias[g], bias_shift(layer.weights[g], seen.targets[g], moments[g]), 1.0);
  }
  RowNumbers bias = method_.refine(graph_, layer, seen);
  if (!free_bias) return;
  for (size_t g = 0; g < bias.size(); ++g) add_to(bias[g], (*known)[g], -1.0);
  set_bias(layer, bias);
}

std::vector<Moments> LayerFitter::moments_of(const LinearLayer& layer, const FitData& data) const {
  std::vector<Moments> moments;
  for (const MomentSums& sum : data.sums) moments.push_back(sum.moments(has_free_bias(graph_, layer)));
  return moments;
}

Tensor LayerFitter::weights_as_computed(const LinearLayer& layer) const {
  const Value& weight = graph_[weight_id(graph_, layer)];
  Tensor tensor = Tensor::of<float>(weight.constant->dims(), weight.constant->data<float>());
  if (weight.quant) round_to_grid(tensor.mutable_data<float>(), tensor.dims(), std::get<QParams>(*weight.quant));
  return tensor;
}

void LayerFitter::set_bias(const LinearLayer& layer, const RowNumbers& shift) {
  shift_bias(graph_, reference_, layer, shift);
  hold_zeros(graph_[operand(graph_[layer.id], layer.form().bias)], context_.masks);
}

}  // namespace tinyc
