// What a model costs on a processor core, before it is flashed: memory exactly, code and instructions predicted.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/code/program.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

struct TargetDef {
  std::string_view name;     // "cortex-m4": the value of --target
  std::string_view summary;  // what its kernels use
  std::string_view flags;    // of gcc, with which the numbers were measured
};

inline constexpr std::string_view kDefaultTarget = "cortex-m4";

std::span<const TargetDef* const> all_targets();
// Throws Error(kUsage) with a spelling hint when there is no such target.
const TargetDef& require_target(std::string_view name);

struct LayerCost {
  std::string layer;   // name of the node
  std::string kernel;  // the one that does most of its work
  int64_t macs = 0;
  int64_t input_bytes = 0;     // that its calls read
  int64_t output_bytes = 0;    // that its calls write
  int64_t constant_bytes = 0;  // that no earlier layer uses
  int64_t ram_bytes = 0;       // of the arena in use while it runs, scratch included
  int64_t instructions = 0;    // predicted
  // Of its weights, where a product has them: how they are stored, in what bytes, and the bound of coders that know
  // nothing but how often each integer occurs.
  std::string coding = {};
  ByteParts parts = {};
  int64_t entropy_bytes = 0;
};

struct DeviceCost {
  std::string target;
  int64_t arena_bytes = 0;        // exact
  int64_t constant_bytes = 0;     // exact
  int64_t code_bytes = 0;         // predicted, gcc -O2
  int64_t instructions = 0;       // predicted, of one run
  std::vector<LayerCost> layers;  // by node of the graph; nodes without work have no kernel

  int64_t flash_bytes() const { return constant_bytes + code_bytes; }
};

// The graph is the one that the program was made of.
DeviceCost predict_cost(const DeviceProgram& program, const Graph& graph, const TargetDef& target);

// "conv1 (30208), conv2 (9216)": the layers with most of it, by a member of LayerCost.
std::string heaviest_layers(const DeviceCost& cost, int64_t LayerCost::*bytes);

nlohmann::ordered_json to_json(const DeviceCost& cost, bool layers);
std::string to_text(const DeviceCost& cost, bool layers);

}  // namespace tinyc
