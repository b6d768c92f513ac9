// What a model is made of, counted without running it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tinyc/ir/graph.h"
#include "tinyc/quant/storage_plan.h"

namespace tinyc {

struct LayerSummary {
  std::string name;
  std::string op;
  std::string output;  // type of the first output: "float32[1,10]"
  int64_t macs = 0;
  int64_t params = 0;        // of operands that no earlier layer reads
  int64_t weight_bytes = 0;  // the same operands, as stored
  int64_t live_bytes = 0;    // activations in memory while the layer runs
};

struct ModelSummary {
  std::string name;
  std::vector<std::pair<std::string, std::string>> inputs;   // name, type as the model declares it
  std::vector<std::pair<std::string, std::string>> outputs;  // name, type
  std::vector<std::string> open_dims;                        // dims that had no size
  int64_t open_dim_size = 1;                                 // what they were counted as; the first always as 1
  int64_t params = 0;                                        // elements of float and quantized constants
  int64_t macs = 0;                                          // of one run; of an If its costlier branch
  int64_t weight_bytes = 0;                                  // bytes of those constants, as stored
  int64_t peak_activation_bytes = 0;                         // the most that is live at one layer, views counted once
  std::string peak_layer;
  int64_t unsized_values = 0;  // computed values whose size is unknown before a run: not in peak_activation_bytes
  std::map<std::string, int64_t> ops;
  std::vector<LayerSummary> layers;    // in execution order
  std::vector<FloatNode> float_nodes;  // would compute on floats in a quantized model
};

// Counts one run with every open dimension taken as 1. The graph's types need not be inferred yet.
ModelSummary summarize(const Graph& graph);

nlohmann::ordered_json to_json(const ModelSummary& summary, bool layers);
// For people: totals, the ops, what stays in float; with `layers` a line for each.
std::string to_text(const ModelSummary& summary, bool layers);

}  // namespace tinyc
