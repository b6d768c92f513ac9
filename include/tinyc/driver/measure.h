// Running models over data and judging what comes out: against labels, or against another model.
//
// Data are read from their beginning. Samples are read one after another, run in parallel in fixed groups, and the
// groups' results are merged in order: the numbers do not depend on the number of threads, and memory does not grow
// with the number of samples.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/eval/program.h"
#include "tinyc/pass/context.h"
#include "tinyc/quant/dataset.h"
#include "tinyc/quant/error_sums.h"

namespace tinyc {

// How good the first output is.
//   top1  percent of samples whose largest output is the one that the label names
//   mse   mean squared difference to the label (a tensor like the output); without labels to the input
//   psnr  10 log10(peak^2 / mse) in dB, against labels; peak is the largest label value
//   auc   area under the ROC curve of a score against labels 0 and 1: the output itself when it is one number, the
//         second of two, else the mean squared difference between output and input (an autoencoder's anomaly score)
std::vector<std::string_view> metric_names();

struct Evaluation {
  std::string metric;
  double value = 0;
  int64_t samples = 0;
  double seconds = 0;  // of running, without reading and preparing
};

// Throws Error(kUsage) for an unknown metric and for labels that are missing or do not fit it.
Evaluation evaluate(const Program& program, Dataset& data, std::string_view metric, int threads);
nlohmann::ordered_json to_json(const Evaluation& evaluation);

struct ValueError {
  std::string name;  // of the value, in both models
  ErrorSums error;
  // Of an output on a grid: elements by their distance in steps of that grid; the last: so far or farther.
  std::vector<int64_t> steps = {};
};
inline constexpr size_t kMostSteps = 8;

struct Comparison {
  int64_t samples = 0;
  double seconds = 0;
  std::vector<ValueError> outputs;             // floating outputs, in the model's order
  std::vector<ValueError> layers;              // floating values of the same name, in the model's order; on request
  std::optional<double> top1_agreement;        // percent; only where the first output is one vector a sample
  std::optional<double> top1_reference, top1;  // percent; with labels only
};

struct CompareOptions {
  Engine reference_engine = Engine::kSimulated;  // for a model without annotations the same as kFloat
  Engine engine = Engine::kSimulated;
  bool layers = false;
  int threads = 1;
  std::map<std::string, std::vector<KeptElements>> kept = {};  // layers of which the model has only these elements
};

// Outputs are paired by position. Throws Error(kUsage) when the two take different inputs or give outputs of different
// number or dims.
Comparison compare(const Graph& reference, const Graph& model, Dataset& data, const CompareOptions& options);
nlohmann::ordered_json to_json(const Comparison& comparison, bool layers);
std::string to_text(const Comparison& comparison, bool layers);

}  // namespace tinyc
