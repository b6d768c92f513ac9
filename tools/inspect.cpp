// tinyc inspect: what a model is made of.
#include "tinyc/driver/inspect.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "command.h"
#include "flags.h"
#include "tinyc/base/error.h"
#include "tinyc/driver/calibration.h"
#include "tinyc/driver/load.h"
#include "tinyc/driver/targets.h"

namespace tinyc {
namespace {

// Of a float model: as it would be with int8 everywhere, on ranges of generated inputs, which no cost depends on.
DeviceCost device_cost(const ModelFlags& model, const Graph& given, const TargetDef& target) {
  const bool quantized =
      std::any_of(given.values.begin(), given.values.end(), [](const Value& value) { return value.quant.has_value(); });
  Graph graph = given;
  if (!quantized) {
    Recipe recipe = make_recipe(1);
    recipe[Stage::kPack] = {"pack-constants"};  // nothing that looks at the ranges
    recipe.model = model.options();
    graph = annotate_model(model.path, recipe, 0);
    graph = pack_model(std::move(graph), recipe);
  }
  return with_context([&] { return model.path; },
                      [&] { return predict_cost(make_device_program(graph), graph, target); });
}

}  // namespace

RunCommand declare_inspect(CLI::App& app) {
  struct Flags {
    ModelFlags model;
    bool layers = false;
    bool json = false;
    std::string target;
  };
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  app.add_flag("--layers", flags->layers, "a line for each layer");
  app.add_option("--target", flags->target, "memory and time as C on this core; see `tinyc list targets`")
      ->type_name("CORE");
  declare_json(app, flags->json);
  return [flags] {
    const Graph graph = load_model(flags->model.path, flags->model.options());
    const ModelSummary summary = summarize(graph);
    std::optional<DeviceCost> cost;
    if (!flags->target.empty()) cost = device_cost(flags->model, graph, require_target(flags->target));
    if (flags->json) {
      nlohmann::ordered_json json = to_json(summary, flags->layers);
      if (cost) json["device"] = to_json(*cost, flags->layers);
      fmt::print("{}\n", json.dump(2));
    } else {
      fmt::print("{}{}", to_text(summary, flags->layers), cost ? to_text(*cost, flags->layers) : "");
    }
  };
}

}  // namespace tinyc
