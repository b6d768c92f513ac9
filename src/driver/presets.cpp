#include "tinyc/driver/presets.h"

#include <algorithm>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

constexpr Preset kPresets[] = {
    {"int8", "8-bit weights, 8-bit activations (unsigned in the file)", 8, DataType::kUint8},
    {"int8-signed", "8-bit weights, 8-bit activations, signed in the file too", 8, DataType::kInt8},
    {"int16", "8-bit weights, 16-bit activations", 8, DataType::kInt16},
    {"int4", "4-bit weights, 8-bit activations", 4, DataType::kUint8},
    {"float", "weights and activations stay in float: pruning alone", 8, DataType::kUint8, false},
};

}  // namespace

std::span<const Preset> all_presets() {
  return kPresets;
}

const Preset& require_preset(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kPresets), std::end(kPresets), [&](const auto& p) { return p.name == name; });
  if (found != std::end(kPresets)) return *found;
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  throw Error(ErrorKind::kUsage, "preset '" + std::string(name) + "' is not known", spelling_hint(name, names));
}

void apply(const Preset& preset, Recipe& recipe) {
  recipe.quantization.weight_bits = preset.weight_bits;
  recipe.quantization.activations = preset.activations;
  if (preset.quantizes) return;
  recipe[Stage::kAnnotate].clear();
  recipe[Stage::kRepair].clear();
}

std::string preset_name(const QuantizationSettings& settings) {
  if (settings.weight_bits == 2 && settings.ternary) return "ternary-a" + std::to_string(bits_of(settings.activations));
  for (const Preset& preset : kPresets) {
    const bool same = preset.weight_bits == settings.weight_bits && preset.activations == settings.activations;
    if (same) return std::string(preset.name);
  }
  return "w" + std::to_string(settings.weight_bits) + "a" + std::to_string(bits_of(settings.activations));
}

}  // namespace tinyc
