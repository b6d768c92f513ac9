// tinyc sensitivity: what quantizing each layer alone would cost.
#include "tinyc/driver/sensitivity.h"

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "recipe_flags.h"
#include "tinyc/driver/calibration.h"

namespace tinyc {

RunCommand declare_sensitivity(CLI::App& app) {
  struct Flags {
    ModelFlags model;
    RecipeFlags recipe;
    int threads = 0;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  flags->recipe.declare(app, "--calib");
  flags->recipe.declare_settings(app);
  declare_threads(app, flags->threads);
  declare_json(app, flags->json);
  return [flags] {
    const Recipe recipe = flags->recipe.make(flags->model);
    const Graph annotated = annotate_model(flags->model.path, recipe, flags->threads);
    Dataset data = open_calibration(annotated, recipe, 0);
    const Sensitivity result = measure_sensitivity(annotated, data, flags->threads);
    fmt::print("{}", flags->json ? to_json(result).dump(2) + "\n" : to_text(result));
  };
}

}  // namespace tinyc
