#include "recipe_flags.h"

#include <charconv>

#include "tinyc/base/error.h"
#include "tinyc/driver/levels.h"
#include "tinyc/driver/presets.h"

namespace tinyc {

void RecipeFlags::declare(CLI::App& app, const std::string& data_flag) {
  data.declare(app, data_flag, false);
  app.add_option("--recipe", recipe_file, "start from this recipe; other flags override it")->type_name("F.toml");
}

void RecipeFlags::declare_settings(CLI::App& app) {
  for (const Preset& known : all_presets()) {
    const std::string name(known.name);
    app.add_flag_callback(
        "--" + name, [this, name] { preset = name; }, std::string(known.summary));
  }
  app.add_option("--preset", preset, "the same by name; see `tinyc list presets`")->type_name("P");
  app.add_option("-O", level, "0: no rewriting; 1: fold, choose ranges; 2 (default): repair too; 3: everything")
      ->type_name("0..3");
  app.add_option("--weight-bits", weight_bits, "bits of a weight; 1: binary")->type_name("1..8|ternary");
  app.add_option("--codebook", codebook, "weights of a layer share 2^BITS values, or vectors of LENGTH, fitted to it")
      ->type_name("BITS[xLENGTH|xkernel]");
  app.add_flag("--per-tensor", per_tensor, "one scale per weight tensor, not per output channel");
  app.add_option("--observer", observer, "chooses ranges of activations; see `tinyc list observers`")
      ->type_name("NAME[:X]");
  app.add_option("--skip", skip, "leave this node in float")->type_name("NODE")->allow_extra_args(false);
  app.add_option("--seed", seed, "start of all random numbers")->type_name("N");
}

namespace {

void apply_weight_bits(const std::string& text, QuantizationSettings& settings) {
  settings.ternary = text == "ternary";
  settings.weight_bits = 2;
  if (settings.ternary) return;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, settings.weight_bits);
  if (error == std::errc() && end == last) return;
  throw Error(ErrorKind::kUsage, "--weight-bits " + text + ": expected 1 to 8, or ternary");
}

// "4", "8x4", "6xkernel".
void apply_codebook(const std::string& text, QuantizationSettings& settings) {
  const size_t cross = std::min(text.find('x'), text.size());
  const std::string_view bits = std::string_view(text).substr(0, cross), length = std::string_view(text).substr(cross);
  const auto read = [](std::string_view digits, int& number) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  settings.codebook_vector = length == "xkernel" ? 0 : 1;
  const bool known = length.empty() || length == "xkernel";
  if (read(bits, settings.codebook_bits) && (known || read(length.substr(1), settings.codebook_vector))) return;
  throw Error(ErrorKind::kUsage, "--codebook " + text + ": expected bits, such as 4, 8x4 or 8xkernel");
}

}  // namespace

Recipe RecipeFlags::make(const ModelFlags& model) const {
  Recipe recipe = recipe_file.empty() ? make_recipe() : load_recipe(recipe_file);
  if (!level.empty()) {
    if (level.size() != 1 || level[0] < '0' || level[0] > '3') {
      throw Error(ErrorKind::kUsage, "there is no level -O" + level, "levels are -O0 to -O3");
    }
    apply_level(level[0] - '0', recipe);
  }
  if (!preset.empty()) apply(require_preset(preset), recipe);
  if (!weight_bits.empty()) apply_weight_bits(weight_bits, recipe.quantization);
  if (!codebook.empty()) apply_codebook(codebook, recipe.quantization);
  if (per_tensor) recipe.quantization.per_channel = false;
  if (!observer.empty()) recipe.quantization.observer = observer;
  recipe.quantization.skip.insert(recipe.quantization.skip.end(), skip.begin(), skip.end());
  if (seed) recipe.seed = *seed;
  if (!data.path.empty()) recipe.data.calibration = data.path;
  if (data.max_samples > 0) recipe.data.max_samples = data.max_samples;
  data.apply(recipe.data.preprocess);
  const ImportOptions given = model.options();
  for (const auto& [name, size] : given.dims) recipe.model.dims[name] = size;
  for (const auto& [name, value] : given.fixed) recipe.model.fixed[name] = value;
  check_recipe(recipe);
  return recipe;
}

int64_t parse_bytes(const std::string& flag, const std::string& text) {
  int64_t value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  const std::string unit(end, last);
  int shift = 0;
  if (unit == "k" || unit == "K") shift = 10;
  if (unit == "m" || unit == "M") shift = 20;
  constexpr int64_t kMost = int64_t{1} << 42;
  if (error != std::errc() || (shift == 0 && !unit.empty()) || value < 0 || value > kMost) {
    throw Error(ErrorKind::kUsage, flag + " " + text + ": expected bytes, such as 30000, 30k or 2M",
                "k is 1024 bytes, M is 1024 k");
  }
  return value << shift;
}

}  // namespace tinyc
