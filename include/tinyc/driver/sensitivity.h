// What quantizing one layer alone does to the model's outputs, for each layer: where the error comes from.
//
// Method: of the annotated graph all annotations but those of one layer (its constants, the data it reads, what it
// gives) are dropped, the rest runs in float; the outputs are compared with the float model's. The float values before
// the layer are held, so that only what comes after it runs again (quant/variants.h). Cost: half a run of the held
// samples per layer.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tinyc/ir/graph.h"
#include "tinyc/quant/dataset.h"
#include "tinyc/quant/error_sums.h"

namespace tinyc {

struct LayerSensitivity {
  std::string layer;
  std::string op;
  int64_t params = 0;
  int64_t macs = 0;
  ErrorSums error;  // over all outputs
};

struct Sensitivity {
  int64_t samples = 0;
  double seconds = 0;
  std::vector<LayerSensitivity> layers;  // the worst first
};

// `annotated`: after stage annotate, constants still in float.
Sensitivity measure_sensitivity(const Graph& annotated, Dataset& data, int threads);

nlohmann::ordered_json to_json(const Sensitivity& sensitivity);
std::string to_text(const Sensitivity& sensitivity);

}  // namespace tinyc
