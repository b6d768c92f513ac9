#include "tinyc/pass/layer_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/clamp.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/kept_out.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/error_sums.h"

namespace tinyc {
namespace {

constexpr double kMostMacs = 4e9;                             // for the moments of a layer
constexpr double kTargetDamping[] = {1e-3, 1e-2, 1e-1, 1.0};  // candidates beside not moving the target at all
constexpr double kNoTarget = HUGE_VAL;
constexpr double kErrorDamping = 1e-3;  // of the form that methods search
constexpr double kMoreDamping = 1e-2;   // where the data show too little

std::vector<float> clamped(const Tensor& tensor, const ClampLimits& limits) {
  std::vector<float> values = tensor.to_float();
  for (float& value : values) value = limits(value);
  return values;
}

bool is_any(size_t /*sample*/, size_t /*samples*/) {
  return true;
}
using SampleChoice = bool (*)(size_t sample, size_t samples);

// What is done to a layer.
enum class Change { kNone, kBias, kWeights };
struct Plan {
  Change change = Change::kNone;
  double damping = kErrorDamping;
  bool thorough = false;
  bool refined = false;
};

struct Best {
  ErrorSums error;  // on the samples kept out
  Plan plan;
  Graph graph;
};

// What a layer is fitted to.
struct FitData {
  std::span<const MomentSums> sums;  // by group
  SampleChoice is_in;                // the same samples
  double damping;                    // of the target
};

std::vector<const LinearForm*> forms_of(const LinearLayer& layer, SampleChoice is_in) {
  std::vector<const LinearForm*> forms;
  for (size_t s = 0; s < layer.now.size(); ++s) {
    if (is_in(s, layer.now.size())) forms.push_back(&layer.now[s]);
  }
  return forms;
}

// Reads a part of the positions where all would cost more than the budget.
std::vector<MomentSums> sums_of(const LinearLayer& layer, SampleChoice is_in, int threads) {
  std::vector<MomentSample> samples;
  for (size_t s = 0; s < layer.now.size(); ++s) {
    if (is_in(s, layer.now.size())) samples.push_back({&layer.now[s], &layer.wanted[s]});
  }
  return sum_moments(samples, affordable_stride(layer.now, kMostMacs), threads);
}

// How far the target may leave the float weights: what gains most on the samples kept out.
double choose_damping(const LinearLayer& layer, bool centred, const std::vector<MomentSums>& fit,
                      const std::vector<MomentSums>& check) {
  double best = HUGE_VAL, chosen = kNoTarget;
  for (const double damping : {kNoTarget, kTargetDamping[0], kTargetDamping[1], kTargetDamping[2], kTargetDamping[3]}) {
    double error = 0;
    for (size_t g = 0; g < fit.size(); ++g) {
      const Matrix& weights = layer.weights[g];
      const Matrix target = damping == kNoTarget ? weights : best_weights(weights, fit[g].moments(centred), damping);
      error += error_above_zeros(target, weights, check[g].moments(centred));
    }
    if (error >= best) continue;
    best = error;
    chosen = damping;
  }
  return chosen;
}

class Fit {
 public:
  Fit(Graph& graph, PassContext& context, LayerMethod& method)
      : graph_(graph),
        reference_(*context.reference),
        context_(context),
        method_(method),
        uses_(reference_),
        exact_(reference_, Engine::kFloat, context.samples, context.threads),
        changed_run_(graph, Engine::kSimulated, context.samples, context.threads) {}

  bool run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) step(NodeId{static_cast<uint32_t>(i)});
    return changed_;
  }

 private:
  void step(NodeId id) {
    LayerResults wanted = exact_.compute(reference_, id);
    LayerResults now = changed_run_.compute(graph_, id);
    if (graph_[id].op != nullptr) {
      for (const int weight : graph_[id].op->quant.weights) {
        if (method_.treats(graph_, graph_[id], weight) && treat(id, weight, wanted, now)) {
          now = changed_run_.compute(graph_, id);
        }
      }
    }
    exact_.store(reference_, id, std::move(wanted));
    changed_run_.store(graph_, id, std::move(now));
  }

  std::string obstacle(const LinearLayer& layer) const {
    if (layer.form().columns <= kMostFittedColumns) return method_.obstacle(graph_, layer);
    return "its rows of " + std::to_string(layer.form().columns) + " weights are longer than " +
           std::to_string(kMostFittedColumns);
  }

  bool treat(NodeId id, int weight, const LayerResults& wanted, const LayerResults& now) {
    const auto layer = find_linear_layer({graph_, changed_run_, now}, {reference_, exact_, wanted}, id, weight);
    if (!layer) return false;
    if (const std::string why = obstacle(*layer); !why.empty()) {
      context_.note(graph_[id].name, "left as it is: " + why);
      context_.count("left");
      return false;
    }
    std::vector<MomentSums> fit = sums_of(*layer, is_fit, context_.threads);
    const std::vector<MomentSums> check = sums_of(*layer, is_check, context_.threads);
    const double damping = choose_damping(*layer, has_free_bias(graph_, *layer), fit, check);

    Best best{checked_error(id, wanted, now), {}, graph_};
    const ErrorSums as_is = best.error;
    if (method_.must_change(graph_, *layer)) best.error.noise = HUGE_VAL;
    const FitData data{fit, is_fit, damping};
    const Graph before = graph_;
    for (const Plan& plan : plans(*layer)) {
      graph_ = before;
      apply(*layer, data, plan);
      keep_better(best, plan, checked_error(id, wanted, changed_run_.compute(graph_, id)));
    }
    if (method_.refines() && best.plan.change == Change::kWeights) {
      graph_ = best.graph;
      Plan plan = best.plan;
      plan.refined = true;
      refine(*layer, data);
      keep_better(best, plan, checked_error(id, wanted, changed_run_.compute(graph_, id)));
    }
    graph_ = before;
    report(graph_[id].name, best.plan, as_is, best.error);
    if (best.plan.change == Change::kNone) return false;
    for (size_t g = 0; g < fit.size() && layer->now.size() >= kKeptOutEvery; ++g) fit[g].merge(check[g]);
    const FitData all{fit, is_any, damping};
    apply(*layer, all, best.plan);
    if (best.plan.refined) refine(*layer, all);
    changed_ = true;
    return true;
  }

  // What is tried, before it is refined.
  std::vector<Plan> plans(const LinearLayer& layer) const {
    std::vector<Plan> plans{{.change = Change::kWeights}};
    if (!method_.must_change(graph_, layer)) plans.insert(plans.begin(), {.change = Change::kBias});
    if (!method_.is_thorough()) return plans;
    plans.push_back({Change::kWeights, kMoreDamping, false});
    for (const double damping : {kErrorDamping, kMoreDamping}) plans.push_back({Change::kWeights, damping, true});
    return plans;
  }

  void keep_better(Best& best, const Plan& plan, const ErrorSums& error) const {
    if (error.noise < best.error.noise) best = {error, plan, graph_};
  }

  // Noise of the node's results on the samples kept out, behind the clamps that read them.
  ErrorSums checked_error(NodeId id, const LayerResults& wanted, const LayerResults& now) const {
    ErrorSums sums;
    size_t computed = 0;
    for (const ValueId output : reference_[id].outputs) {
      if (output == kNoValue) continue;
      const size_t i = computed++;
      const ClampLimits limits = limits_behind(reference_, uses_, output);
      for (size_t s = 0; s < now.size(); ++s) {
        if (!is_check(s, now.size()) || now[s][i].dtype() != DataType::kFloat) continue;
        sums.add(clamped(wanted[s][i], limits), clamped(now[s][i], limits));
      }
    }
    return sums;
  }

  void report(const std::string& name, const Plan& plan, const ErrorSums& before, const ErrorSums& after) {
    if (plan.change == Change::kNone) {
      context_.note(name, "left as it is: no change lowers the error of its output");
      context_.count("left");
      return;
    }
    const bool weights = plan.change == Change::kWeights;
    std::array<char, 120> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(),
                                    "%s%s: signal to noise of its output %.1f dB, was %.1f dB",
                                    weights ? "weights and bias fitted" : "bias fitted",
                                    plan.refined ? " and refined" : "", after.sqnr_db(), before.sqnr_db()));
    context_.note(name, text.data());
    context_.count(weights ? "layers" : "bias_only");
    if (plan.refined) context_.count("refined");
  }

  std::vector<Moments> moments_of(const LinearLayer& layer, const FitData& data) const {
    std::vector<Moments> moments;
    for (const MomentSums& sum : data.sums) moments.push_back(sum.moments(has_free_bias(graph_, layer)));
    return moments;
  }

  // Fits weights and bias, as far as the plan says, to the moments.
  void apply(const LinearLayer& layer, const FitData& data, const Plan& plan) {
    const std::vector<Moments> moments = moments_of(layer, data);
    if (plan.change == Change::kWeights) {
      std::vector<OutputError> errors = errors_of(moments, targets_of(layer, moments, data.damping), plan.damping);
      plan.thorough ? method_.choose_thoroughly(graph_, layer, std::move(errors))
                    : method_.choose(graph_, layer, std::move(errors));
    }
    if (!has_free_bias(graph_, layer)) return;
    const std::vector<Matrix> stored = read_weights(layer.form(), weights_as_computed(layer));
    RowNumbers shift;
    for (size_t g = 0; g < moments.size(); ++g) shift.push_back(bias_shift(layer.weights[g], stored[g], moments[g]));
    set_bias(layer, shift);
  }

  // Goes on from what apply() left, with the data themselves.
  void refine(const LinearLayer& layer, const FitData& data) {
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
      seen.target_bias = *known;
      seen.bias = *now;
      seen.limits = limits_of(reference_[layer.id]);
    }
    for (size_t g = 0; g < moments.size() && free_bias; ++g) {
      add_to(seen.target_bias[g], bias_shift(layer.weights[g], seen.targets[g], moments[g]), 1.0);
    }
    RowNumbers bias = method_.refine(graph_, layer, seen);
    if (!free_bias) return;
    for (size_t g = 0; g < bias.size(); ++g) add_to(bias[g], (*known)[g], -1.0);
    set_bias(layer, bias);
  }

  void set_bias(const LinearLayer& layer, const RowNumbers& shift) {
    shift_bias(graph_, reference_, layer, shift);
    hold_zeros(graph_[operand(graph_[layer.id], layer.form().bias)], context_.masks);
  }

  static void add_to(std::vector<double>& sum, const std::vector<double>& other, double factor) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += factor * other[i];
  }

  // Of the clamp behind a node whose output is its sums.
  ClampLimits limits_of(const Node& node) const {
    return node.op->quant.scaling == Scaling::kLayer ? limits_behind(reference_, uses_, node.outputs[0])
                                                     : ClampLimits{};
  }

  static RowNumbers zeros_of(const LinearLayer& layer) {
    return {static_cast<size_t>(layer.form().groups), std::vector<double>(static_cast<size_t>(layer.form().rows), 0.0)};
  }

  static std::vector<Matrix> targets_of(const LinearLayer& layer, const std::vector<Moments>& moments, double damping) {
    if (damping == kNoTarget) return layer.weights;
    std::vector<Matrix> targets;
    for (size_t g = 0; g < moments.size(); ++g) {
      targets.push_back(best_weights(layer.weights[g], moments[g], damping));
    }
    return targets;
  }

  static std::vector<OutputError> errors_of(const std::vector<Moments>& moments, const std::vector<Matrix>& targets,
                                            double damping) {
    std::vector<OutputError> errors;
    for (size_t g = 0; g < moments.size(); ++g) errors.push_back({damped(moments[g].h, damping), targets[g]});
    return errors;
  }

  Tensor weights_as_computed(const LinearLayer& layer) const {
    const Value& weight = graph_[weight_id(graph_, layer)];
    Tensor tensor = Tensor::of<float>(weight.constant->dims(), weight.constant->data<float>());
    if (weight.quant) round_to_grid(tensor.mutable_data<float>(), tensor.dims(), std::get<QParams>(*weight.quant));
    return tensor;
  }

  Graph& graph_;
  const Graph& reference_;
  PassContext& context_;
  LayerMethod& method_;
  const Uses uses_;
  LayerwiseRun exact_, changed_run_;
  bool changed_ = false;
};

}  // namespace

void require_samples(const PassContext& context, const std::string& needs) {
  if (context.samples.empty()) throw Error(ErrorKind::kUsage, needs + " calibration samples", "give --calib DATA");
}

bool fit_layers(Graph& graph, PassContext& context, LayerMethod& method) {
  if (context.samples.empty()) {
    context.note("model", "skipped: there are no calibration samples");
    return false;
  }
  return Fit(graph, context, method).run();
}

}  // namespace tinyc
