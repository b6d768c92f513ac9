// optimize-rounding: rounds each layer's weights, and chooses their scales and its bias, so that its output comes
// nearest to that of the float model.
//
// Problem: rounding to the nearest point minimizes the error of the weights, but a model's user sees the error of
// outputs, where errors of weights add up or cancel as their inputs are correlated. Method: layer by layer in execution
// order, with all earlier layers already rounded. From the layer's inputs in the simulated and in the float model come
// the moments H and A (quant/moments.h); from these the target, which also makes up for what earlier layers lost
// (quant/second_order.h); the grid point nearest to it as the output sees it (quant/grid_search.h); and the bias that
// goes with it. How far the target may move away from the float weights is chosen by what it gains on samples kept out
// of the moments. Why it cannot harm: the layer's output error is measured on the samples kept out, as it is, with a
// new bias alone, and with the new weights; the least stays, and is then fitted once more to all samples. Cost:
// positions times columns squared for the moments, of which at most a budget is spent a layer by reading a part of the
// positions; rows times columns squared for the search. Sources: see the headers named above.
#include <cmath>

#include "tinyc/eval/layerwise.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/error_sums.h"
#include "tinyc/quant/grid_search.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

using Results = std::vector<std::vector<Tensor>>;

constexpr int64_t kMostColumns = 2048;
constexpr double kMostMacs = 4e9;                             // for the moments of a layer
constexpr size_t kCheckEvery = 4;                             // sample 3, 7, ... is kept out
constexpr double kTargetDamping[] = {1e-3, 1e-2, 1e-1, 1.0};  // candidates; none is another
constexpr double kGridDamping = 1e-3;

bool is_check(size_t sample, size_t samples) {
  return samples < kCheckEvery || sample % kCheckEvery == kCheckEvery - 1;
}
bool is_fit(size_t sample, size_t samples) {
  return samples < kCheckEvery || !is_check(sample, samples);
}

// The layer that one weight operand of a node makes, in both models.
struct Layer {
  NodeId id;
  int weight;                           // operand
  std::vector<LinearForm> now, wanted;  // by sample
  std::vector<Matrix> weights;          // of the float model, by group
};

std::vector<Matrix> weights_of(const LinearForm& form, const Tensor& tensor) {
  const auto data = tensor.data<float>();
  std::vector<Matrix> groups;
  for (int64_t g = 0; g < form.groups; ++g) {
    Matrix weights(form.rows, form.columns);
    for (int64_t r = 0; r < form.rows; ++r) {
      for (int64_t c = 0; c < form.columns; ++c) {
        weights(r, c) = static_cast<double>(data[static_cast<size_t>(form.weight_at(g, r, c))]);
      }
    }
    groups.push_back(std::move(weights));
  }
  return groups;
}

class Rounding {
 public:
  Rounding(Graph& graph, PassContext& context)
      : graph_(graph),
        reference_(*context.reference),
        context_(context),
        exact_(reference_, Engine::kFloat, context.samples, context.threads),
        rounded_(graph, Engine::kSimulated, context.samples, context.threads) {}

  bool run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) step(NodeId{static_cast<uint32_t>(i)});
    return changed_;
  }

 private:
  void step(NodeId id) {
    Results wanted = exact_.compute(reference_, id);
    Results now = rounded_.compute(graph_, id);
    if (graph_[id].op != nullptr && graph_[id].op->linear != nullptr) {
      for (const int weight : graph_[id].op->quant.weights) {
        if (weight < 0 || !has_grid(graph_[id], weight)) continue;
        if (treat(id, weight, wanted, now)) now = rounded_.compute(graph_, id);
      }
    }
    exact_.store(reference_, id, std::move(wanted));
    rounded_.store(graph_, id, std::move(now));
  }

  // A constant weight with scales along rows only.
  bool has_grid(const Node& node, int weight) const {
    const ValueId id = operand(node, weight);
    const Tensor* tensor = plain_constant(graph_, id);
    if (tensor == nullptr || tensor->dtype() != DataType::kFloat || !graph_[id].quant) return false;
    const auto* params = std::get_if<QParams>(&*graph_[id].quant);
    return params != nullptr && params->block == 0;
  }

  std::vector<LinearForm> forms(const Graph& graph, const LayerwiseRun& run, NodeId id, int weight,
                                const Results& results) const {
    const Node& node = graph[id];
    std::vector<LinearForm> forms;
    for (size_t s = 0; s < run.sample_count(); ++s) {
      std::vector<Tensor> inputs, outputs;
      for (const ValueId input : node.inputs) {
        inputs.push_back(input == kNoValue       ? Tensor()
                         : graph[input].constant ? *graph[input].constant
                                                 : run.value(s, input));
      }
      size_t computed = 0;
      for (const ValueId output : node.outputs) {
        outputs.push_back(output == kNoValue ? Tensor() : results[s][computed++]);
      }
      std::optional<LinearForm> form = node.op->linear({node, weight, inputs, outputs});
      if (!form) return {};
      forms.push_back(std::move(*form));
    }
    return forms;
  }

  bool treat(NodeId id, int weight, const Results& wanted, const Results& now) {
    Layer layer{
        id, weight, forms(graph_, rounded_, id, weight, now), forms(reference_, exact_, id, weight, wanted), {}};
    if (layer.now.empty() || layer.wanted.empty()) return false;
    const LinearForm& form = layer.now.front();
    if (form.columns > kMostColumns) {
      context_.note(graph_[id].name, "left as it is: a row has " + std::to_string(form.columns) +
                                         " weights, more than " + std::to_string(kMostColumns));
      return false;
    }
    layer.weights = weights_of(form, *reference_[operand(reference_[id], weight)].constant);
    std::vector<MomentSums> fit = sums(layer, is_fit), check = sums(layer, is_check);
    return choose(layer, wanted, now, std::move(fit), check);
  }

  std::vector<MomentSums> sums(const Layer& layer, bool (*is_in)(size_t, size_t)) const {
    std::vector<LinearForm> now, wanted;
    int64_t positions = 0;
    for (size_t s = 0; s < layer.now.size(); ++s) {
      positions += layer.now[s].positions;
      if (!is_in(s, layer.now.size())) continue;
      now.push_back(layer.now[s]);
      wanted.push_back(layer.wanted[s]);
    }
    const LinearForm& form = layer.now.front();
    const double macs =
        1.5 * static_cast<double>(positions * form.groups) * static_cast<double>(form.columns * form.columns);
    return sum_moments(now, wanted, static_cast<int64_t>(std::ceil(macs / kMostMacs)), context_.threads);
  }

  // Noise of the node's results on the samples kept out.
  ErrorSums checked_error(const Results& wanted, const Results& now) const {
    ErrorSums sums;
    for (size_t s = 0; s < now.size(); ++s) {
      if (!is_check(s, now.size())) continue;
      for (size_t i = 0; i < now[s].size(); ++i) {
        if (now[s][i].dtype() == DataType::kFloat) sums.add(wanted[s][i].data<float>(), now[s][i].data<float>());
      }
    }
    return sums;
  }

  bool choose(const Layer& layer, const Results& wanted, const Results& now, std::vector<MomentSums> fit,
              const std::vector<MomentSums>& check) {
    const Graph before = graph_;
    const double damping = target_damping(layer, fit, check);
    const ErrorSums as_is = checked_error(wanted, now);
    const auto measured = [&](const std::vector<MomentSums>& sums, bool weights) {
      graph_ = before;
      apply(layer, sums, weights ? std::optional(damping) : std::nullopt);
      return checked_error(wanted, rounded_.compute(graph_, layer.id));
    };
    const ErrorSums bias_only = measured(fit, false);
    const ErrorSums both = measured(fit, true);
    const bool weights = both.noise < std::min(bias_only.noise, as_is.noise);
    const ErrorSums& best = weights ? both : bias_only;
    graph_ = before;
    if (best.noise >= as_is.noise) {
      context_.note(graph_[layer.id].name, "left as it is: nothing lowers its output's error");
      return false;
    }
    for (size_t g = 0; g < fit.size(); ++g) {
      if (layer.now.size() >= kCheckEvery) fit[g].merge(check[g]);
    }
    apply(layer, fit, weights ? std::optional(damping) : std::nullopt);
    report(layer, weights, as_is, best);
    changed_ = true;
    return true;
  }

  void report(const Layer& layer, bool weights, const ErrorSums& before, const ErrorSums& after) {
    char text[160];
    static_cast<void>(std::snprintf(text, sizeof text, "%s; output %.1f dB above its error before, %.1f dB after",
                                    weights ? "weights and bias fitted" : "bias fitted, weights rounded to nearest",
                                    before.sqnr_db(), after.sqnr_db()));
    context_.note(graph_[layer.id].name, text);
    context_.count(weights ? "layers" : "bias_only");
  }

  bool bias_moves(const Layer& layer) const {
    const LinearForm& form = layer.now.front();
    if (form.bias < 0) return false;
    const ValueId id = operand(graph_[layer.id], form.bias);
    if (id == kNoValue)
      return graph_[layer.id].op->quant.bias == form.bias && graph_[operand(graph_[layer.id], 0)].quant;
    const Tensor* tensor = plain_constant(graph_, id);
    const bool on_grid = graph_[layer.id].op->quant.bias == form.bias;
    return tensor != nullptr && tensor->dtype() == DataType::kFloat && tensor->size() == form.bias_size &&
           graph_[id].quant.has_value() == on_grid;
  }

  double target_damping(const Layer& layer, const std::vector<MomentSums>& fit,
                        const std::vector<MomentSums>& check) const {
    const bool centred = bias_moves(layer);
    double best = HUGE_VAL, chosen = HUGE_VAL;
    const auto consider = [&](double share) {
      double error = 0;
      for (size_t g = 0; g < fit.size(); ++g) {
        const Matrix& weights = layer.weights[g];
        const Matrix target = std::isinf(share) ? weights : best_weights(weights, fit[g].moments(centred), share);
        error += error_above_zeros(target, weights, check[g].moments(centred));
      }
      if (error < best) {
        best = error;
        chosen = share;
      }
    };
    consider(HUGE_VAL);
    for (const double share : kTargetDamping) consider(share);
    return chosen;
  }

  // Weights and bias fitted to the moments; without damping the bias alone.
  void apply(const Layer& layer, const std::vector<MomentSums>& sums, std::optional<double> damping) {
    const bool centred = bias_moves(layer);
    std::vector<Moments> moments;
    for (const MomentSums& sum : sums) moments.push_back(sum.moments(centred));
    if (damping) set_weights(layer, search_grid(grid_search(layer, moments, *damping), context_.threads));
    if (centred) set_bias(layer, moments);
  }

  GridSearch grid_search(const Layer& layer, const std::vector<Moments>& moments, double damping) const {
    const Value& weight = graph_[operand(graph_[layer.id], layer.weight)];
    const auto& params = std::get<QParams>(*weight.quant);
    const LinearForm& form = layer.now.front();
    const ScaleIndex scale_idx(params, weight.constant->dims());
    GridSearch search;
    search.q_min = params.q_min;
    search.q_max = params.q_max;
    search.scales.assign(params.scales.begin(), params.scales.end());
    search.smallest = smallest_scales(layer, params);
    for (size_t g = 0; g < moments.size(); ++g) {
      Matrix target = std::isinf(damping) ? layer.weights[g] : best_weights(layer.weights[g], moments[g], damping);
      search.groups.push_back({damped(moments[g].h, kGridDamping), std::move(target)});
      std::vector<size_t>& of_row = search.scale_of.emplace_back();
      for (int64_t r = 0; r < form.rows; ++r)
        of_row.push_back(scale_idx(form.weight_at(static_cast<int64_t>(g), r, 0)));
    }
    return search;
  }

  // Below these a channel would have too few bits of a multiplier, or its bias would not fit 32 bits.
  std::vector<double> smallest_scales(const Layer& layer, const QParams& params) const {
    constexpr double kShare = 0x1p-15, kRoom = 2.0;
    const double largest = static_cast<double>(*std::max_element(params.scales.begin(), params.scales.end()));
    std::vector<double> smallest(params.scales.size(), largest * kShare);
    const ValueId bias = operand(graph_[layer.id], layer.now.front().bias);
    const auto& input = graph_[operand(graph_[layer.id], 0)].quant;
    if (!bias_moves(layer) || !input || bias == kNoValue || !graph_[bias].quant) return smallest;
    const double input_scale = static_cast<double>(std::get<QParams>(*input).scales[0]);
    const auto values = graph_[bias].constant->data<float>();
    for (size_t i = 0; i < values.size(); ++i) {
      double& limit = smallest[i % smallest.size()];
      limit = std::max(limit, kRoom * std::abs(static_cast<double>(values[i])) / 2147483647.0 / input_scale);
    }
    return smallest;
  }

  void set_weights(const Layer& layer, const GridPoint& point) {
    Value& weight = graph_[operand(graph_[layer.id], layer.weight)];
    const LinearForm& form = layer.now.front();
    auto& params = std::get<QParams>(*weight.quant);
    const ScaleIndex scale_idx(params, weight.constant->dims());
    for (size_t i = 0; i < params.scales.size(); ++i) params.scales[i] = static_cast<float>(point.scales[i]);
    Tensor tensor = Tensor::of<float>(weight.constant->dims(), weight.constant->data<float>());
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        for (int64_t c = 0; c < form.columns; ++c) {
          const int64_t at = form.weight_at(g, r, c);
          tensor.mutable_data<float>()[static_cast<size_t>(at)] =
              static_cast<float>(point.steps[static_cast<size_t>(g)](r, c)) * params.scales[scale_idx(at)];
        }
      }
    }
    weight.constant = std::move(tensor);
  }

  void set_bias(const Layer& layer, const std::vector<Moments>& moments) {
    const LinearForm& form = layer.now.front();
    std::vector<float> values = bias_values(layer);
    const Value& weight = graph_[operand(graph_[layer.id], layer.weight)];
    Tensor on_grid = Tensor::of<float>(weight.constant->dims(), weight.constant->data<float>());
    round_to_grid(on_grid.mutable_data<float>(), on_grid.dims(), std::get<QParams>(*weight.quant));
    const std::vector<Matrix> stored = weights_of(form, on_grid);
    for (size_t g = 0; g < moments.size(); ++g) {
      const std::vector<double> shift = bias_shift(layer.weights[g], stored[g], moments[g]);
      for (size_t r = 0; r < shift.size(); ++r) {
        float& value = values[static_cast<size_t>(form.bias_at(static_cast<int64_t>(g), static_cast<int64_t>(r)))];
        value = static_cast<float>(static_cast<double>(value) + shift[r]);
      }
    }
    store_bias(layer, values);
  }

  // The float model's bias; what the rows of this weight do not reach is as it is now.
  std::vector<float> bias_values(const Layer& layer) const {
    const LinearForm& form = layer.now.front();
    const ValueId own = operand(graph_[layer.id], form.bias), before = operand(reference_[layer.id], form.bias);
    if (own == kNoValue) return std::vector<float>(static_cast<size_t>(form.bias_size), 0.0F);
    std::vector<float> values = graph_[own].constant->to_float();
    const std::vector<float> wanted =
        before == kNoValue ? std::vector<float>(values.size(), 0.0F) : reference_[before].constant->to_float();
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        const auto at = static_cast<size_t>(form.bias_at(g, r));
        values[at] = wanted[at];
      }
    }
    return values;
  }

  void store_bias(const Layer& layer, const std::vector<float>& values) {
    const int idx = layer.now.front().bias;
    const bool on_grid = graph_[layer.id].op->quant.bias == idx;
    const ValueId known = operand(graph_[layer.id], idx);
    const Dims dims = known == kNoValue ? Dims{static_cast<int64_t>(values.size())} : graph_[known].constant->dims();
    if (known == kNoValue)
      set_operand(graph_, layer.id, idx, graph_[layer.id].name + "_bias", Tensor::of<float>(dims, values));
    Value& bias = graph_[operand(graph_[layer.id], idx)];
    bias.constant = Tensor::of<float>(dims, values);
    if (!on_grid) return;
    auto& weight = std::get<QParams>(*graph_[operand(graph_[layer.id], layer.weight)].quant);
    const float input_scale = std::get<QParams>(*graph_[operand(graph_[layer.id], 0)].quant).scales[0];
    std::vector<size_t> channel_of_bias(values.size());
    for (size_t i = 0; i < values.size(); ++i) channel_of_bias[i] = i % weight.scales.size();
    bias.quant = bias_params(values, input_scale, channel_of_bias, weight, nullptr);
  }

  Graph& graph_;
  const Graph& reference_;
  PassContext& context_;
  LayerwiseRun exact_, rounded_;
  bool changed_ = false;
};

bool run(Graph& graph, PassContext& context) {
  if (context.samples.empty()) {
    context.note("model", "skipped: there are no calibration samples");
    return false;
  }
  return Rounding(graph, context).run();
}

}  // namespace

extern constexpr PassDef k_optimize_rounding = make_pass<run>(
    "optimize-rounding", "round weights, choose scales and biases for the least error of each layer's output",
    Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
