// Groups of flags that several subcommands take.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tinyc/eval/program.h"
#include "tinyc/onnx/import.h"
#include "tinyc/quant/dataset.h"

namespace tinyc {

// MODEL, --dim NAME=SIZE, --fix INPUT=VALUE.
struct ModelFlags {
  std::string path;
  std::vector<std::string> dims;
  std::vector<std::string> fixed;

  void declare(CLI::App& app, const std::string& positional = "MODEL", bool required = true);
  ImportOptions options() const;
};

// --engine float|simulated.
struct EngineFlag {
  std::string name = "simulated";

  void declare(CLI::App& app);
  Engine engine() const;
};

// Where data are and what is done to them: `flag` (--data or --calib), --layout, --resize, --crop, --scale, --mean,
// --std,
// --max-samples.
struct DataFlags {
  std::string path;
  std::map<std::string, std::string> preprocess;  // those given, by key
  int64_t max_samples = 0;

  CLI::Option* declare(CLI::App& app, const std::string& flag, bool required = true);
  // Sets what was given on top of `preprocess`.
  void apply(Preprocess& target) const;
  Dataset open(const Graph& graph) const;
};

// How the result is written. C: --name, --input-layout, --weight-coder, --test-vectors; ONNX: --onnx-weights.
struct CodeFlags {
  std::string name;
  std::string input_layout;
  std::string weight_coder = "none";
  std::string onnx_weights = "plain";
  int64_t test_vectors = 0;

  void declare(CLI::App& app);
  bool plain_inputs() const;
};

// "NAME=VALUE" in two; Error(kUsage) that names the flag when there is no '=' or no name.
std::pair<std::string, std::string> split_assignment(const std::string& flag, const std::string& text);

// Result formats: tables for people, JSON for scripts.
void declare_json(CLI::App& app, bool& json);

// --threads N; 0, the default, takes all processors. Results do not depend on it.
void declare_threads(CLI::App& app, int& threads);

}  // namespace tinyc
