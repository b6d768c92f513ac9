// tinyc eval: how good a model is on labelled data.
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "flags.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/load.h"
#include "tinyc/driver/measure.h"
#include "usage.h"

namespace tinyc {

RunCommand declare_eval(CLI::App& app) {
  struct Flags {
    ModelFlags model;
    DataFlags data;
    EngineFlag engine;
    std::string metric = "top1";
    int threads = 0;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  flags->data.declare(app, "--data");
  flags->engine.declare(app);
  app.add_option("--metric", flags->metric, "top1 (default; percent), mse, psnr (dB) or auc")
      ->type_name("top1|mse|psnr|auc");
  declare_threads(app, flags->threads);
  declare_json(app, flags->json);
  return [flags] {
    const Engine engine = flags->engine.engine();
    require_one_of("--metric", flags->metric, metric_names());
    const Graph graph = load_model(flags->model.path, flags->model.options());
    Dataset data = flags->data.open(graph);
    const Evaluation result = evaluate(Program(graph, {engine, {}}), data, flags->metric, flags->threads);
    if (flags->json) {
      nlohmann::ordered_json json = to_json(result);
      json["data_hash"] = data.digest().hex();
      fmt::print("{}\n", json.dump(2));
    } else {
      fmt::print("{} {:.6g} on {} samples in {:.2f} s\n", result.metric, result.value, result.samples, result.seconds);
    }
  };
}

}  // namespace tinyc
