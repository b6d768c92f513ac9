#include "driver/recipe_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/targets.h"
#include "tinyc/quant/codebook_shape.h"
#include "tinyc/quant/observer.h"

namespace tinyc {
namespace {

void check_range(std::string_view what, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw Error(ErrorKind::kUsage, fmt::format("{} must be from {} to {}, not {}", what, low, high, value));
}

void check_name(std::string_view what, const std::string& name, std::span<const std::string_view> known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  throw Error(ErrorKind::kUsage, fmt::format("{} '{}' is not known", what, name), spelling_hint(name, known));
}

void require_c(const Recipe& recipe, std::string_view name, std::string_view hint) {
  if (recipe.emit == "c") return;
  throw Error(ErrorKind::kUsage, fmt::format("{} is about emitted C, and the form is '{}'", name, recipe.emit),
              std::string(hint));
}

void check_memory(const Recipe& recipe, std::string_view name, const std::optional<int64_t>& limit) {
  if (!limit) return;
  check_range(name, static_cast<double>(*limit), 1, 1e15);
  require_c(recipe, name, "say --emit c, or use max_bytes");
}

}  // namespace

void check_observer(const Recipe& recipe) {
  parse_observer(recipe.quantization.observer);
}

void check_weight_observer(const Recipe& recipe) {
  parse_observer(recipe.quantization.weight_observer);
}

void check_weight_bits(const Recipe& recipe) {
  check_range("weight_bits", recipe.quantization.weight_bits, 1, 8);
}

void check_weight_block(const Recipe& recipe) {
  const int block = recipe.quantization.weight_block;
  if (block >= 0 && block <= 256 && block % 16 == 0) return;
  throw Error(ErrorKind::kUsage, fmt::format("weight_block must be 0 or a multiple of 16 up to 256, not {}", block));
}

void check_layer_bits(const Recipe& recipe) {
  for (const auto& [name, bits] : recipe.quantization.layer_bits)
    check_range("layer_bits of '" + name + "'", bits, 1, 8);
}

void check_weight_noise(const Recipe& recipe) {
  check_range("weight_noise", recipe.quantization.weight_noise, 0, 0.5);
}

void check_codebook_bits(const Recipe& recipe) {
  check_range("codebook_bits", recipe.quantization.codebook_bits, 0, 8);
  const std::vector<std::string>& repair = recipe[Stage::kRepair];
  if (recipe.quantization.codebook_bits == 0 || std::ranges::find(repair, "cluster-weights") != repair.end()) return;
  throw Error(ErrorKind::kUsage, "codebook_bits needs the pass cluster-weights, which is not among those that repair",
              "-O2 and -O3 have it");
}

void check_codebook_vector(const Recipe& recipe) {
  check_range("codebook_vector", recipe.quantization.codebook_vector, 0, kLongestVector);
}

void check_codebook_groups(const Recipe& recipe) {
  check_range("codebook_groups", recipe.quantization.codebook_groups, 1, 256);
}

void check_emit(const Recipe& recipe) {
  std::vector<std::string_view> known;
  for (const EmitterDef* emitter : all_emitters()) known.push_back(emitter->name);
  check_name("emitter", recipe.emit, known);
}

void check_max_drop(const Recipe& recipe) {
  if (recipe.gates.max_drop) check_range("max_drop", *recipe.gates.max_drop, 0, 100);
}

void check_max_bytes(const Recipe& recipe) {
  if (recipe.gates.max_bytes) check_range("max_bytes", static_cast<double>(*recipe.gates.max_bytes), 1, 1e15);
}

void check_target(const Recipe& recipe) {
  require_target(recipe.target);
}

void check_weight_coder(const Recipe& recipe) {
  if (!parse_coders(recipe.weight_coder).empty()) require_c(recipe, "weight_coder", "say --emit c");
}

void check_onnx_weights(const Recipe& recipe) {
  if (!gathers_weights(recipe.onnx_weights) || recipe.emit.starts_with("onnx")) return;
  throw Error(ErrorKind::kUsage, fmt::format("onnx_weights is about ONNX files, and the form is '{}'", recipe.emit));
}

void check_max_ram(const Recipe& recipe) {
  check_memory(recipe, "max_ram", recipe.gates.max_ram);
}

void check_max_flash(const Recipe& recipe) {
  check_memory(recipe, "max_flash", recipe.gates.max_flash);
}

void check_max_samples(const Recipe& recipe) {
  check_range("max_samples", static_cast<double>(recipe.data.max_samples), 0, 1e15);
}

void check_fit(const Recipe& recipe) {
  const FitGoal& goal = recipe.fit;
  if (goal.bytes) check_range("bytes", static_cast<double>(*goal.bytes), 1, 1e15);
  if (goal.drop) check_range("drop", *goal.drop, 0, 100);
  check_memory(recipe, "ram", goal.ram);
  if (goal.any() && recipe.data.calibration.empty()) {
    throw Error(ErrorKind::kUsage, "a goal needs data to measure layers with", "give --calib DATA");
  }
  const bool coded = recipe.emit != "c" || !parse_coders(recipe.weight_coder).empty();
  if (goal.any() && recipe.quantization.weight_noise > 0 && !coded) {
    throw Error(ErrorKind::kUsage, "a goal with weight_noise is about coded weights, and C holds them as they are",
                "say --weight-coder smallest");
  }
}

void check_fit_prune(const Recipe& recipe) {
  const std::string& pass = recipe.fit.prune;
  if (pass.empty()) return;
  if (!recipe.fit.any()) {
    throw Error(ErrorKind::kUsage, "what share is pruned is to be chosen for a goal, and there is none",
                "say --fit bytes=N or --fit drop=X, or how much");
  }
  const std::vector<std::string>& passes = recipe[Stage::kPrune];
  if (std::ranges::find(passes, pass) != passes.end()) return;
  throw Error(ErrorKind::kUsage, "fit.prune: '" + pass + "' is not among the passes that prune");
}

}  // namespace tinyc
