// tinyc compare: how far a model is from a reference, on the same data.
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "flags.h"
#include "tinyc/driver/load.h"
#include "tinyc/driver/measure.h"

namespace tinyc {

RunCommand declare_compare(CLI::App& app) {
  struct Flags {
    std::string reference;
    ModelFlags model;
    DataFlags data;
    bool layers = false;
    int threads = 0;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  app.add_option("REFERENCE", flags->reference, "ONNX file that is right")->required()->type_name("");
  flags->model.declare(app);
  flags->data.declare(app, "--data");
  app.add_flag("--layers", flags->layers, "a line for each value that both models compute under the same name");
  declare_threads(app, flags->threads);
  declare_json(app, flags->json);
  return [flags] {
    const ImportOptions options = flags->model.options();
    const Graph reference = load_model(flags->reference, options);
    const Graph model = load_model(flags->model.path, options);
    Dataset data = flags->data.open(reference);
    const Comparison result = compare(reference, model, data, {.layers = flags->layers, .threads = flags->threads});
    fmt::print("{}", flags->json ? to_json(result, flags->layers).dump(2) + "\n" : to_text(result, flags->layers));
  };
}

}  // namespace tinyc
