// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss (the same on the logarithm of softmax): operand 0 is
// [N, C, ...], the target [N, ...] says the class of each position. A class may have a weight; positions whose target
// is ignore_index do not count. The mean is weighted. Everything is summed in double, in the order of the target.
#include <cmath>

#include "ops/axis_layout.h"
#include "ops/common_infer.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"ignore_index", AttributeType::kInt}, {"reduction", "mean"}};
constexpr QuantTraits kTraining{.kind = QuantKind::kFloat, .why_float = "a loss is for training"};

enum class LossReduction : uint8_t { kNone, kSum, kMean };

LossReduction reduction_of(const Node& node) {
  const std::string_view name = string_attr(node, "reduction");
  if (name == "none") return LossReduction::kNone;
  if (name == "sum") return LossReduction::kSum;
  if (name == "mean") return LossReduction::kMean;
  throw Error(ErrorKind::kModel, "attribute 'reduction' is '" + std::string(name) + "', expected none, sum or mean");
}

void infer(InferContext& context) {
  const Shape& x = context.shape(0);
  const LossReduction reduction = reduction_of(context.node());
  require_same_dtype(context, 2, 0);
  if (x.ranked() && x.rank() < 2)
    context.fail_input(0, "has rank " + std::to_string(x.rank()) + ", expected 2 or more");
  Shape positions = Shape::unranked();
  if (x.ranked()) {
    context.require_rank(1, x.rank() - 1);
    positions = Shape{x[0]};
    for (int i = 2; i < x.rank(); ++i) positions.push_back(x[i]);
    if (context.shape(1).known() && positions.known() && !(context.shape(1) == positions)) {
      context.fail_input(1, to_string(context.shape(1)) + " does not fit " + to_string(x));
    }
    const Shape& weights = context.shape(2);
    if (context.has_input(2) && weights.known() && x[1].known() && !(weights == Shape{x[1]})) {
      context.fail_input(2, to_string(weights) + " does not fit " + std::to_string(x[1].value) + " classes");
    }
  }
  context.set_output(0, context.dtype(0), reduction == LossReduction::kNone ? positions : Shape());
  context.set_output(1, context.dtype(0), x);
}

template <typename T>
void log_softmax(const AxisLayout& layout, const T* x, T* y) {
  layout.for_each_line([&](int64_t /*line*/, int64_t start) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0.0;
    for (int64_t k = 0; k < layout.count; ++k) largest = std::max<double>(largest, x[start + k * layout.inner]);
    for (int64_t k = 0; k < layout.count; ++k) sum += std::exp(x[start + k * layout.inner] - largest);
    const double log_sum = std::log(sum);
    for (int64_t k = 0; k < layout.count; ++k) {
      y[start + k * layout.inner] = static_cast<T>(x[start + k * layout.inner] - largest - log_sum);
    }
  });
}

template <typename T>
void negative_log_likelihood(EvalContext& context, const AxisLayout& layout, const T* log_prob) {
  const Node& node = context.node();
  const std::vector<int64_t> targets = context.input(1).to_int64();
  const T* weights = context.has_input(2) ? context.in<T>(2).data() : nullptr;
  const LossReduction reduction = reduction_of(node);
  const auto loss = context.out<T>(0);
  double sum = 0.0, weight_sum = 0.0;
  layout.for_each_line([&](int64_t line, int64_t start) {
    const int64_t target = targets[static_cast<size_t>(line)];
    double weight = 0.0, value = 0.0;
    if (!has_attr(node, "ignore_index") || target != int_attr(node, "ignore_index")) {
      if (target < 0 || target >= layout.count) {
        throw Error(ErrorKind::kModel,
                    "a target is class " + std::to_string(target) + " of " + std::to_string(layout.count));
      }
      weight = weights != nullptr ? static_cast<double>(weights[target]) : 1.0;
      value = -weight * static_cast<double>(log_prob[start + target * layout.inner]);
    }
    if (reduction == LossReduction::kNone) loss[static_cast<size_t>(line)] = static_cast<T>(value);
    sum += value;
    weight_sum += weight;
  });
  if (reduction == LossReduction::kSum) loss[0] = static_cast<T>(sum);
  if (reduction == LossReduction::kMean) loss[0] = static_cast<T>(sum / weight_sum);
}

void eval_nll(EvalContext& context) {
  if (eval_in_float(context, eval_nll)) return;
  const AxisLayout layout(context.input(0).dims(), 1);
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    negative_log_likelihood<T>(context, layout, context.in<T>(0).data());
  });
}

void eval_cross_entropy(EvalContext& context) {
  if (eval_in_float(context, eval_cross_entropy)) return;
  const AxisLayout layout(context.input(0).dims(), 1);
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    std::vector<T> log_prob(static_cast<size_t>(context.input(0).size()));
    log_softmax(layout, context.in<T>(0).data(), log_prob.data());
    negative_log_likelihood<T>(context, layout, log_prob.data());
    if (context.has_output(1)) std::copy(log_prob.begin(), log_prob.end(), context.out<T>(1).begin());
  });
}

}  // namespace

extern const OpDef k_negative_log_likelihood_loss{.name = "NegativeLogLikelihoodLoss",
                                                  .inputs = {2, 3},
                                                  .attributes = kAttributes,
                                                  .infer = infer,
                                                  .eval = eval_nll,
                                                  .quant = kTraining};

extern const OpDef k_softmax_cross_entropy_loss{.name = "SoftmaxCrossEntropyLoss",
                                                .inputs = {2, 3},
                                                .outputs = {1, 2},
                                                .attributes = kAttributes,
                                                .infer = infer,
                                                .eval = eval_cross_entropy,
                                                .quant = kTraining};

}  // namespace tinyc
