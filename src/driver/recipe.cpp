#include "tinyc/driver/recipe.h"

#include <fmt/format.h>

#include "driver/recipe_keys.h"
#include "tinyc/base/error.h"
#include "tinyc/base/hash.h"
#include "tinyc/driver/levels.h"

namespace tinyc {

Recipe make_recipe(int level) {
  Recipe recipe;
  apply_level(level, recipe);
  return recipe;
}

void check_recipe(const Recipe& recipe) {
  for (const RecipeKey& key : recipe_keys()) {
    if (key.check != nullptr) key.check(recipe);
  }
}

std::vector<PassStep> stage_steps(const Recipe& recipe, Stage stage) {
  std::vector<PassStep> steps;
  for (const std::string& name : recipe[stage]) {
    const PassDef* pass = find_pass(name);
    TINYC_CHECK(pass != nullptr && pass->stage == stage);
    const auto given = recipe.pass_options.find(name);
    steps.push_back(
        {pass, pass->parse(given == recipe.pass_options.end() ? std::map<std::string, OptionValue>() : given->second)});
  }
  return steps;
}

std::string recipe_hash(const Recipe& recipe) {
  return hash_text(print_recipe(recipe)).hex();
}

void set_pruned_share(Recipe& recipe, std::string_view pass, double share) {
  auto& options = recipe.pass_options[std::string(pass)];
  if (pass != "prune") {
    options["share"] = share;
    return;
  }
  const auto given = options.find("amount");
  const std::string amount = given == options.end() ? "" : std::get<std::string>(given->second);
  options["amount"] = amount.substr(0, amount.rfind(':') + 1) + fmt::format("{:.4f}", share);
}

}  // namespace tinyc
