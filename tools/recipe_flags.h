// The flags that make a recipe: those of compress, and the part of them that calibrate and sensitivity share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flags.h"
#include "tinyc/driver/recipe.h"

namespace tinyc {

struct RecipeFlags {
  std::string recipe_file;
  std::string preset;
  std::string level;  // "0" .. "3"; empty: not given
  std::string observer;
  std::vector<std::string> skip;
  std::string weight_bits;  // "1" .. "8" or "ternary"; empty: not given
  std::string codebook;     // "4", "8x4", "8xkernel"; empty: not given
  std::optional<int64_t> seed;
  bool per_tensor = false;
  DataFlags data;

  // --recipe and the data flags; the data themselves are called `data_flag`.
  void declare(CLI::App& app, const std::string& data_flag);
  // Presets, -O, --weight-bits, --codebook, --per-tensor, --observer, --skip, --seed.
  void declare_settings(CLI::App& app);
  // The recipe file or the defaults, with all flags that were given on top; checked.
  Recipe make(const ModelFlags& model) const;
};

// "30k" and "2M" are multiples of 1024. Throws Error(kUsage) that names the flag.
int64_t parse_bytes(const std::string& flag, const std::string& text);

}  // namespace tinyc
