// The forms in which a compressed model is written.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/code/program.h"
#include "tinyc/driver/targets.h"
#include "tinyc/eval/program.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

struct EmitRequest {
  std::filesystem::path output;  // a file, or for emitters that write several the folder they go to
  std::string name;              // of the model in C; empty: from the model's file name
  std::filesystem::path model;
  std::string recipe_hash;                        // of the run; empty: unknown
  bool plain_inputs = false;                      // C: images come in the model's own layout instead of channels-last
  bool gather_weights = false;                    // ONNX: weights of few values are indices where that is smaller
  std::vector<const CoderDef*> coders;            // C: weights are stored by one of these where that is smaller
  bool fast_coding = false;                       // C: only where a layer gets hardly slower
  std::string target{kDefaultTarget};             // C: that it is chosen for; see driver/targets.h
  std::vector<std::vector<Tensor>> test_samples;  // C: vectors for NAME_test.c, by sample, as the model takes them
};

struct OutputFile {
  std::filesystem::path path;
  std::string bytes;
};

struct EmitResult {
  std::vector<OutputFile> files;
  int64_t bytes = 0;                             // of the model where it will live: the file, or the constants in flash
  std::shared_ptr<const DeviceProgram> program;  // what C runs; null for other forms
};

struct EmitterDef {
  std::string_view name;     // "onnx": the value of --emit
  std::string_view summary;  // one line, for `tinyc list emitters`
  bool to_folder = false;
  Engine engine = Engine::kSimulated;  // that computes what the result will
  // The graph carries annotations and packed weights.
  EmitResult (*emit)(const Graph& graph, const EmitRequest& request);
};

// "plain": false, "gather": true, all else Error(kUsage).
bool gathers_weights(std::string_view choice);

std::span<const EmitterDef* const> all_emitters();
// Throws Error(kUsage) with a spelling hint when there is no such emitter.
const EmitterDef& require_emitter(std::string_view name);

}  // namespace tinyc
