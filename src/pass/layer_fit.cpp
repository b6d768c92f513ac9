#include "tinyc/pass/layer_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "pass/layer_fitter.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/kept_out.h"
#include "tinyc/quant/error_sums.h"

namespace tinyc {
namespace {

constexpr double kMostMacs = 4e9;                             // for the moments of a layer
constexpr double kTargetDamping[] = {1e-3, 1e-2, 1e-1, 1.0};  // candidates beside not moving the target at all
constexpr double kMoreDamping = 1e-2;                         // where the data show too little

std::vector<float> clamped(const Tensor& tensor, const ClampLimits& limits) {
  std::vector<float> values = tensor.to_float();
  for (float& value : values) value = limits(value);
  return values;
}

bool is_any(size_t /*sample*/, size_t /*samples*/) {
  return true;
}

struct Best {
  ErrorSums error;  // on the samples kept out
  FitPlan plan;
  Graph graph;
};

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
        fitter_(graph, context, method),
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
    for (const FitPlan& plan : plans(*layer)) {
      graph_ = before;
      fitter_.apply(*layer, data, plan);
      keep_better(best, plan, checked_error(id, wanted, changed_run_.compute(graph_, id)));
    }
    if (method_.refines() && best.plan.change == Change::kWeights) {
      graph_ = best.graph;
      FitPlan plan = best.plan;
      plan.refined = true;
      fitter_.refine(*layer, data);
      keep_better(best, plan, checked_error(id, wanted, changed_run_.compute(graph_, id)));
    }
    graph_ = before;
    report(graph_[id].name, best.plan, as_is, best.error);
    if (best.plan.change == Change::kNone) return false;
    for (size_t g = 0; g < fit.size() && layer->now.size() >= kKeptOutEvery; ++g) fit[g].merge(check[g]);
    const FitData all{fit, is_any, damping};
    fitter_.apply(*layer, all, best.plan);
    if (best.plan.refined) fitter_.refine(*layer, all);
    changed_ = true;
    return true;
  }

  // What is tried, before it is refined.
  std::vector<FitPlan> plans(const LinearLayer& layer) const {
    std::vector<FitPlan> plans{{.change = Change::kWeights}};
    if (!method_.must_change(graph_, layer)) plans.insert(plans.begin(), {.change = Change::kBias});
    if (!method_.is_thorough()) return plans;
    plans.push_back({Change::kWeights, kMoreDamping, false});
    for (const double damping : {kErrorDamping, kMoreDamping}) plans.push_back({Change::kWeights, damping, true});
    return plans;
  }

  void keep_better(Best& best, const FitPlan& plan, const ErrorSums& error) const {
    if (error.noise < best.error.noise) best = {error, plan, graph_};
  }

  // Noise of the node's results on the samples kept out, behind the clamps that read them.
  ErrorSums checked_error(NodeId id, const LayerResults& wanted, const LayerResults& now) const {
    ErrorSums sums;
    size_t computed = 0;
    for (const ValueId output : reference_[id].outputs) {
      if (output == kNoValue) continue;
      const size_t i = computed++;
      const ClampLimits limits = fitter_.limits_of(output);
      for (size_t s = 0; s < now.size(); ++s) {
        if (!is_check(s, now.size()) || now[s][i].dtype() != DataType::kFloat) continue;
        sums.add(clamped(wanted[s][i], limits), clamped(now[s][i], limits));
      }
    }
    return sums;
  }

  void report(const std::string& name, const FitPlan& plan, const ErrorSums& before, const ErrorSums& after) {
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

  Graph& graph_;
  const Graph& reference_;
  PassContext& context_;
  LayerMethod& method_;
  LayerFitter fitter_;
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
