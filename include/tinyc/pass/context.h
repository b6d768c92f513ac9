// What passes are given beside the graph, and where they leave their report.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/ir/graph.h"
#include "tinyc/quant/noise_gains.h"
#include "tinyc/quant/recorded_moments.h"
#include "tinyc/quant/settings.h"
#include "tinyc/quant/storage_plan.h"
#include "tinyc/quant/weight_mask.h"

namespace tinyc {

struct Statistics;  // quant/calibrate.h

// A line of the report: what a pass did to a node or value, or why it did nothing.
struct PassNote {
  std::string pass;
  std::string subject;  // a node's or value's name
  std::string text;
};

// Which elements of a value of the reference along an axis the value of the same name still has.
struct KeptElements {
  int axis = 1;
  std::vector<int64_t> indices;
};

struct PassContext {
  QuantizationSettings settings;
  const Statistics* statistics = nullptr;  // set from stage calibrate on
  const Graph* reference =
      nullptr;  // set from stage annotate on: the float graph, with the same nodes in the same order
  std::vector<Sample>
      samples;  // set from stage rewrite on: calibration samples that the memory budget holds; empty without data
  const NoiseGains* gains = nullptr;  // of the reference, where they have been measured already
  int threads = 1;
  uint64_t seed = 0;

  // Filled by passes:
  std::vector<PassNote> notes;
  std::map<std::string, int64_t> counters;  // "fold-batchnorm.folded": 9
  std::vector<FloatNode> float_nodes;
  MomentTable moments;                                    // from fold-batchnorm
  std::map<std::string, std::vector<KeptElements>> kept;  // by value name, an axis each; absent: all of them
  WeightMasks masks;                                      // from prune
  WeightMasks unread;  // weights that meet nothing but zeros in the data; eliminate-constant-channels makes them 0

  // Of the pass that runs now; set by the pipeline.
  std::string pass;

  void note(std::string_view subject, std::string text) {
    notes.push_back({pass, std::string(subject), std::move(text)});
  }
  void count(std::string_view what, int64_t by = 1) { counters[pass + "." + std::string(what)] += by; }
};

}  // namespace tinyc
