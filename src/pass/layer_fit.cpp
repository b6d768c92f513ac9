#include "tinyc/pass/layer_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/clamp.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/error_sums.h"

namespace tinyc {
namespace {

constexpr int64_t kMostColumns = 2048;
constexpr double kMostMacs = 4e9;                             // for the moments of a layer
constexpr size_t kCheckEvery = 4;                             // samples 3, 7, ... are kept out
constexpr double kTargetDamping[] = {1e-3, 1e-2, 1e-1, 1.0};  // candidates beside not moving the target at all
constexpr double kNoTarget = HUGE_VAL;
constexpr double kErrorDamping = 1e-3;  // of the form that methods search

// Too few samples are fitted and checked alike.
bool is_check(size_t sample, size_t samples) {
  return samples < kCheckEvery || sample % kCheckEvery == kCheckEvery - 1;
}
bool is_fit(size_t sample, size_t samples) {
  return samples < kCheckEvery || !is_check(sample, samples);
}

std::vector<float> clamped(const Tensor& tensor, const ClampLimits& limits) {
  std::vector<float> values = tensor.to_float();
  for (float& value : values) value = limits(value);
  return values;
}

// Reads a part of the positions where all would cost more than the budget.
std::vector<MomentSums> sums_of(const LinearLayer& layer, bool (*is_in)(size_t, size_t), int threads) {
  std::vector<MomentSample> samples;
  int64_t positions = 0;
  for (size_t s = 0; s < layer.now.size(); ++s) {
    positions += layer.now[s].positions;
    if (is_in(s, layer.now.size())) samples.push_back({&layer.now[s], &layer.wanted[s]});
  }
  const auto columns = static_cast<double>(layer.form().columns);
  const double macs = 1.5 * static_cast<double>(positions * layer.form().groups) * columns * columns;
  return sum_moments(samples, std::max<int64_t>(1, static_cast<int64_t>(std::ceil(macs / kMostMacs))), threads);
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
    if (layer.form().columns <= kMostColumns) return method_.obstacle(graph_, layer);
    return "its rows of " + std::to_string(layer.form().columns) + " weights are longer than " +
           std::to_string(kMostColumns);
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

    const Graph before = graph_;
    const auto measured = [&](bool weights) {
      apply(*layer, fit, weights ? std::optional(damping) : std::nullopt);
      const ErrorSums error = checked_error(id, wanted, changed_run_.compute(graph_, id));
      graph_ = before;
      return error;
    };
    const ErrorSums as_is = checked_error(id, wanted, now), both = measured(true);
    const ErrorSums bias_only = method_.must_change() ? both : measured(false);
    const bool weights = method_.must_change() || both.noise < bias_only.noise;
    const ErrorSums& best = weights ? both : bias_only;
    const bool kept = method_.must_change() || best.noise < as_is.noise;
    report(graph_[id].name, weights, kept, as_is, best);
    if (!kept) return false;
    for (size_t g = 0; g < fit.size() && layer->now.size() >= kCheckEvery; ++g) fit[g].merge(check[g]);
    apply(*layer, fit, weights ? std::optional(damping) : std::nullopt);
    changed_ = true;
    return true;
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

  void report(const std::string& name, bool weights, bool kept, const ErrorSums& before, const ErrorSums& after) {
    if (!kept) {
      context_.note(name, "left as it is: no change lowers the error of its output");
      context_.count("left");
      return;
    }
    std::array<char, 120> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%s: signal to noise of its output %.1f dB, was %.1f dB",
                                    weights ? "weights and bias fitted" : "bias fitted", after.sqnr_db(),
                                    before.sqnr_db()));
    context_.note(name, text.data());
    context_.count(weights ? "layers" : "bias_only");
  }

  // Weights and bias fitted to the moments; without a damping the bias alone.
  void apply(const LinearLayer& layer, const std::vector<MomentSums>& sums, std::optional<double> damping) {
    const bool centred = has_free_bias(graph_, layer);
    std::vector<Moments> moments;
    for (const MomentSums& sum : sums) moments.push_back(sum.moments(centred));
    if (damping) method_.choose(graph_, layer, errors_of(layer, moments, *damping));
    if (!centred) return;
    const std::vector<Matrix> stored = read_weights(layer.form(), weights_as_computed(layer));
    std::vector<std::vector<double>> shift;
    for (size_t g = 0; g < moments.size(); ++g) {
      shift.push_back(bias_shift(layer.weights[g], stored[g], moments[g]));
    }
    shift_bias(graph_, reference_, layer, shift);
  }

  static std::vector<OutputError> errors_of(const LinearLayer& layer, const std::vector<Moments>& moments,
                                            double damping) {
    std::vector<OutputError> errors;
    for (size_t g = 0; g < moments.size(); ++g) {
      const Matrix& weights = layer.weights[g];
      Matrix target = damping == kNoTarget ? weights : best_weights(weights, moments[g], damping);
      errors.push_back({damped(moments[g].h, kErrorDamping), std::move(target)});
    }
    return errors;
  }

  Tensor weights_as_computed(const LinearLayer& layer) const {
    const Value& weight = graph_[operand(graph_[layer.id], layer.weight)];
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

bool fit_layers(Graph& graph, PassContext& context, LayerMethod& method) {
  if (context.samples.empty()) {
    context.note("model", "skipped: there are no calibration samples");
    return false;
  }
  return Fit(graph, context, method).run();
}

}  // namespace tinyc
