// What a model's output is worth: one entry per metric. See driver/measure.h for what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tinyc/driver/measure.h"

namespace tinyc {

struct LabeledSample {
  Tensor input;  // the model's first
  std::optional<Tensor> label;
};

// What a metric keeps of the samples it has seen.
struct Score {
  int64_t samples = 0;
  int64_t hits = 0;
  ErrorSums error;
  double peak = 0;
  std::vector<std::pair<double, bool>> ranked;  // score, label

  void merge(const Score& other);
};

struct MetricDef {
  std::string_view name;
  void (*add)(const LabeledSample& sample, const Tensor& output, Score& score);
  double (*value)(const Score& score);
};

std::span<const MetricDef> all_metrics();
const MetricDef& require_metric(std::string_view name);

// Index of the largest element; the first of equals.
int64_t arg_max(const Tensor& output);
// The class that a label names. Throws Error(kUsage) when it is no single integer.
int64_t class_of(const Tensor& label);

}  // namespace tinyc
