// What a compression did, in numbers: a JSON file for scripts and a text for people.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tinyc/driver/recipe.h"
#include "tinyc/driver/storage.h"
#include "tinyc/driver/targets.h"
#include "tinyc/pass/pipeline.h"
#include "tinyc/quant/error_sums.h"

namespace tinyc {

struct LayerReport {
  std::string name;
  std::string op;
  std::string output;                   // type of the first output
  int64_t macs = 0;                     // with open dims as 1
  int64_t float_bytes = 0;              // weights as float32
  int64_t weight_bytes = 0;             // weights as stored
  int64_t weights = 0;                  // that are constant
  int64_t zeros = 0;                    // of them
  int weight_bits = 0;                  // of the widest quantized weight; 0: none is quantized
  std::optional<ErrorSums> error = {};  // of the first output against the float model; none: not comparable
  std::string float_reason = {};        // empty: computes on integers
};

struct OutputReport {
  std::string name;
  ErrorSums error;
  // Of emitted C: how many elements are so many steps of the grid away from what an ONNX runtime computes (the
  // simulated engine); see ValueError::steps.
  std::vector<int64_t> device_steps = {};
};

struct GateReport {
  std::string gate;  // "max_drop"
  double limit = 0;
  double value = 0;
  bool passed = false;
  std::string most = {};  // the layers that take most of it; empty: no layer does
};

struct Report {
  std::string model;   // path of the input
  std::string output;  // path of the result
  std::string emitter;
  std::string recipe_hash;
  std::string output_hash;
  std::string data;        // path of the calibration data; empty: none
  std::string data_hash;   // of the samples that were used
  std::string preprocess;  // what was done to them: "layout=nhwc scale=0.5"; empty: nothing
  int64_t calibration_samples = 0;
  int64_t samples = 0;  // on which the errors were measured
  int64_t params = 0;
  int64_t macs_before = 0, macs_after = 0;  // of a sample, with open dims as 1
  int64_t bytes_before = 0;                 // of the model file, external data included
  int64_t bytes_after = 0;                  // of the written model
  int64_t weight_bytes_before = 0;          // as float32
  int64_t weight_bytes_after = 0;           // as stored
  std::optional<double> top1_float;         // percent; with labels only
  std::optional<double> top1;               // percent, of the result
  std::optional<double> top1_agreement;     // percent of samples on which both have the same first place
  std::optional<double> engine_agreement;   // percent; emitted C against an ONNX runtime (the simulated engine)
  std::optional<FitResult> fit;             // with a goal only
  std::optional<DeviceCost> device;         // with emitted C only
  std::optional<DeviceCost> device_int8;    // the same with 8 bits for each weight; where some may have fewer
  std::vector<OutputReport> outputs;
  std::vector<LayerReport> layers;
  std::vector<StoredLayer> storage;  // with weights that were rounded for coding, or many zeros, only
  std::vector<FloatNode> float_nodes;
  std::vector<PassNote> notes;
  std::map<std::string, int64_t> counters;
  std::vector<PassTiming> passes;
  std::vector<std::string> warnings;
  std::vector<GateReport> gates;
  double seconds = 0;
  int64_t peak_memory_bytes = 0;
};

// Least SQNR of all outputs; none: nothing was measured.
std::optional<double> worst_sqnr_db(const Report& report);

// The complaint of a gate or goal that needs labels, when the data have none: Error(kUsage).
[[noreturn]] void fail_without_labels(std::string_view what);

// Judges the report, fills report.gates. Throws Error(kUsage) when a gate needs labels that the data has not.
void judge(const Gates& gates, Report& report);
// Throws Error(kGate) that names each gate that failed, with its value.
void require_gates(const Report& report);

// What this process has used at most so far.
int64_t peak_memory_bytes();

nlohmann::ordered_json to_json(const Report& report);
std::string to_text(const Report& report, bool layers);

}  // namespace tinyc
