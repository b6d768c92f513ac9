// The area under the ROC curve is the chance that a random positive sample scores above a random negative one (ties
// count half): with all scores sorted and equal ones given their mean rank, AUC = (sum of positive ranks -
// P (P + 1) / 2) / (P N). Source: Mann and Whitney 1947. Cost: a sort.
#include "driver/metrics.h"

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

const Tensor& require_label(const LabeledSample& sample, const char* metric) {
  if (sample.label) return *sample.label;
  throw Error(ErrorKind::kUsage, std::string("metric ") + metric + " needs labels, and the data has none",
              "add an array 'labels' with one entry per sample");
}

void add_top1(const LabeledSample& sample, const Tensor& output, Score& score) {
  const int64_t expected = class_of(require_label(sample, "top1"));
  if (expected < 0 || expected >= output.size()) {
    throw Error(ErrorKind::kUsage, "label " + std::to_string(expected) + " is not one of the model's " +
                                       std::to_string(output.size()) + " classes");
  }
  score.hits += arg_max(output) == expected ? 1 : 0;
}

double top1(const Score& score) {
  return 100.0 * static_cast<double>(score.hits) / static_cast<double>(std::max<int64_t>(score.samples, 1));
}

void add_difference(const Tensor& target, const char* what, const Tensor& output, ErrorSums& error) {
  if (target.size() != output.size()) {
    throw Error(ErrorKind::kUsage, std::string(what) + " has " + std::to_string(target.size()) +
                                       " elements a sample, the model's output " + std::to_string(output.size()));
  }
  error.add(target.to_float(), output.to_float());
}

void add_mse(const LabeledSample& sample, const Tensor& output, Score& score) {
  const bool labeled = sample.label.has_value();
  add_difference(labeled ? *sample.label : sample.input, labeled ? "the label" : "the input", output, score.error);
}

double mse(const Score& score) {
  return score.error.mse();
}

void add_psnr(const LabeledSample& sample, const Tensor& output, Score& score) {
  const Tensor& target = require_label(sample, "psnr");
  add_difference(target, "the label", output, score.error);
  for (const float value : target.to_float()) score.peak = std::max(score.peak, static_cast<double>(value));
}

double psnr(const Score& score) {
  const double error = score.error.mse();
  if (error <= 0) return kMaxSqnrDb;
  if (score.peak <= 0) return -kMaxSqnrDb;
  return std::clamp(10.0 * std::log10(score.peak * score.peak / error), -kMaxSqnrDb, kMaxSqnrDb);
}

void add_auc(const LabeledSample& sample, const Tensor& output, Score& score) {
  const int64_t label = class_of(require_label(sample, "auc"));
  if (label != 0 && label != 1) {
    throw Error(ErrorKind::kUsage, "metric auc needs labels 0 and 1, not " + std::to_string(label));
  }
  double value = 0;
  if (output.size() <= 2) {
    value = output.to_float().back();
  } else {
    ErrorSums error;
    add_difference(sample.input, "the input", output, error);
    value = error.mse();
  }
  score.ranked.emplace_back(value, label == 1);
}

double auc(const Score& score) {
  std::vector<std::pair<double, bool>> ranked = score.ranked;
  std::sort(ranked.begin(), ranked.end());
  double positive_ranks = 0;
  double positives = 0;
  for (size_t first = 0; first < ranked.size();) {
    size_t last = first;
    while (last < ranked.size() && ranked[last].first == ranked[first].first) ++last;
    const double rank = (static_cast<double>(first + last) + 1.0) / 2.0;
    for (size_t i = first; i < last; ++i) {
      if (!ranked[i].second) continue;
      positive_ranks += rank;
      positives += 1;
    }
    first = last;
  }
  const double negatives = static_cast<double>(ranked.size()) - positives;
  if (positives == 0 || negatives == 0) {
    throw Error(ErrorKind::kUsage, "metric auc needs samples of both labels, 0 and 1");
  }
  return (positive_ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

constexpr MetricDef kMetrics[] = {
    {"top1", add_top1, top1}, {"mse", add_mse, mse}, {"psnr", add_psnr, psnr}, {"auc", add_auc, auc}};

}  // namespace

void Score::merge(const Score& other) {
  samples += other.samples;
  hits += other.hits;
  error.merge(other.error);
  peak = std::max(peak, other.peak);
  ranked.insert(ranked.end(), other.ranked.begin(), other.ranked.end());
}

std::span<const MetricDef> all_metrics() {
  return kMetrics;
}

std::vector<std::string_view> metric_names() {
  std::vector<std::string_view> names;
  for (const MetricDef& metric : kMetrics) names.push_back(metric.name);
  return names;
}

const MetricDef& require_metric(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kMetrics), std::end(kMetrics), [&](const auto& m) { return m.name == name; });
  if (found != std::end(kMetrics)) return *found;
  throw Error(ErrorKind::kUsage, "metric '" + std::string(name) + "' is not known",
              spelling_hint(name, metric_names()));
}

int64_t arg_max(const Tensor& output) {
  const std::vector<float> values = output.to_float();
  return std::max_element(values.begin(), values.end()) - values.begin();
}

int64_t class_of(const Tensor& label) {
  if (label.size() != 1) {
    throw Error(ErrorKind::kUsage,
                "the labels have " + std::to_string(label.size()) + " elements a sample, expected a class index");
  }
  const float value = label.to_float().front();
  if (is_floating(label.dtype()) && value != std::floor(value)) {
    throw Error(ErrorKind::kUsage, "label " + std::to_string(value) + " is not a class index");
  }
  return label.to_int64().front();
}

}  // namespace tinyc
