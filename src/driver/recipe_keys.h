// The keys of a recipe file, in one table that reading, printing and the reference are made from.
#pragma once

#include <toml++/toml.h>

#include <span>
#include <string>
#include <string_view>

#include "tinyc/driver/recipe.h"

namespace tinyc {

struct RecipeKey {
  std::string_view table;  // "" for the top level
  std::string_view name;
  std::string_view help;
  void (*read)(Recipe& recipe, const toml::node& node);  // throws Error(kUsage) when the type does not fit
  std::string (*write)(const Recipe& recipe);            // the value as TOML; empty: not set
  void (*check)(const Recipe& recipe) = nullptr;         // throws Error(kUsage) when the value is no good
};

std::span<const RecipeKey> recipe_keys();

// A value and a key as TOML.
std::string write_toml(const std::string& value);
std::string write_toml(const OptionValue& value);
std::string write_toml_key(const std::string& key);
// A pass option; throws Error(kUsage) for arrays, tables and dates.
OptionValue read_option(const toml::node& node);

}  // namespace tinyc
