// tinyc inspect: what a model is made of.
#include "tinyc/driver/inspect.h"

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "flags.h"
#include "tinyc/driver/load.h"

namespace tinyc {

RunCommand declare_inspect(CLI::App& app) {
  struct Flags {
    ModelFlags model;
    bool layers = false;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  app.add_flag("--layers", flags->layers, "a line for each layer");
  declare_json(app, flags->json);
  return [flags] {
    const ModelSummary summary = summarize(load_model(flags->model.path, flags->model.options()));
    fmt::print("{}", flags->json ? to_json(summary, flags->layers).dump(2) + "\n" : to_text(summary, flags->layers));
  };
}

}  // namespace tinyc
