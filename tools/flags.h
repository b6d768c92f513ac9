// Groups of flags that several subcommands take.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tinyc/eval/program.h"
#include "tinyc/onnx/import.h"

namespace tinyc {

// MODEL, --dim NAME=SIZE, --fix INPUT=VALUE.
struct ModelFlags {
  std::string path;
  std::vector<std::string> dims;
  std::vector<std::string> fixed;

  void declare(CLI::App& app, const std::string& positional = "MODEL");
  ImportOptions options() const;
};

// --engine float|simulated.
struct EngineFlag {
  std::string name;

  void declare(CLI::App& app, const std::string& fallback);
  Engine engine() const;
};

// "NAME=VALUE" in two; Error(kUsage) that names the flag when there is no '=' or no name.
std::pair<std::string, std::string> split_assignment(const std::string& flag, const std::string& text);

// Result formats: tables for people, JSON for scripts.
void declare_json(CLI::App& app, bool& json);

}  // namespace tinyc
