// Named starting points for a recipe: `--int8`, `--preset uint8`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tinyc/driver/recipe.h"

namespace tinyc {

struct Preset {
  std::string_view name;
  std::string_view summary;
  int weight_bits;
  DataType activations;
  bool quantizes = true;
};

std::span<const Preset> all_presets();
// Throws Error(kUsage) with a spelling hint when there is no such preset.
const Preset& require_preset(std::string_view name);
void apply(const Preset& preset, Recipe& recipe);
// What file names call these settings: the preset that has these numbers ("int8"), else "w3a8".
std::string preset_name(const QuantizationSettings& settings);

}  // namespace tinyc
