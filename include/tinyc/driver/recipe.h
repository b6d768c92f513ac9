// A recipe: everything that decides the result of a run but the model and the threads. Flags make a recipe, the recipe
// makes the run; printed and read again it is the same recipe, so any result can be repeated exactly.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/driver/fit.h"
#include "tinyc/onnx/import.h"
#include "tinyc/pass/pipeline.h"
#include "tinyc/quant/preprocess.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

// What the result is judged by; each is off when it has no value.
struct Gates {
  std::optional<double> max_drop = {};    // points of top-1 (percent) below float
  std::optional<int64_t> max_bytes = {};  // of the written model
  std::optional<double> min_sqnr = {};    // dB, of the worst output
  std::optional<int64_t> max_ram = {};    // bytes of the arena of emitted C
  std::optional<int64_t> max_flash = {};  // bytes of its constants and of its predicted code
};

struct DataSettings {
  std::string calibration;  // path; empty: ranges come from generated inputs
  std::string evaluation;   // path of the data that gates and the report judge by; empty: the calibration data
  Preprocess preprocess;    // of both
  int64_t max_samples = 0;  // used for calibration; 0: all
};

struct Recipe {
  ImportOptions model;
  DataSettings data;
  QuantizationSettings quantization;
  std::array<std::vector<std::string>, 6> passes;  // names by Stage, in the order they run
  std::map<std::string, std::map<std::string, OptionValue>, std::less<>> pass_options;  // by pass, those given
  std::string emit = "onnx";
  std::string target = "cortex-m4";    // that costs of C are predicted for; see driver/targets.h
  std::string weight_coder = "none";   // of emitted C; see parse_coders()
  std::string onnx_weights = "plain";  // of ONNX files: "plain" or "gather"
  Gates gates;
  FitGoal fit;  // off without a goal
  int64_t seed = 0;

  std::vector<std::string>& operator[](Stage stage) { return passes[static_cast<size_t>(stage)]; }
  const std::vector<std::string>& operator[](Stage stage) const { return passes[static_cast<size_t>(stage)]; }
};

inline constexpr std::array kStages = {Stage::kNormalize, Stage::kRewrite, Stage::kPrune,
                                       Stage::kAnnotate,  Stage::kRepair,  Stage::kPack};

inline constexpr int kDefaultLevel = 2;

// The default recipe with the pass lists of -O0 .. -O3.
Recipe make_recipe(int level = kDefaultLevel);

// Reads TOML on top of make_recipe(). Throws Error(kUsage) with line and column: not TOML, an unknown table or key
// (with a spelling hint), a value of the wrong type or out of range, an unknown pass or one of another stage.
Recipe parse_recipe(std::string_view text, const std::string& file_name);
Recipe load_recipe(const std::filesystem::path& path);

// The whole recipe as TOML that parse_recipe() turns back into it; equal recipes give equal text.
std::string print_recipe(const Recipe& recipe);
// Names a recipe in reports: 32 hex digits.
std::string recipe_hash(const Recipe& recipe);

// Throws Error(kUsage) for values out of range and for names that nobody knows; flags are judged like files.
void check_recipe(const Recipe& recipe);

// The passes of one stage with their options, ready to run.
std::vector<PassStep> stage_steps(const Recipe& recipe, Stage stage);

// The keys of a recipe, for docs: "quantization.weight_bits", what it means, its default as TOML.
struct RecipeKeyInfo {
  std::string key;
  std::string_view help;
  std::string default_value;
};
std::vector<RecipeKeyInfo> list_recipe_keys();

// How much a pass of stage prune takes away; of "vectors:4:0.5" that is what stands behind the last colon.
void set_pruned_share(Recipe& recipe, std::string_view pass, double share);

}  // namespace tinyc
