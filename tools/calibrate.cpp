// tinyc calibrate: the statistics of a model's values, for `compress --calib`; and joining statistics of parts of the
// data.
#include <fmt/core.h>

#include <memory>

#include "command.h"
#include "recipe_flags.h"
#include "tinyc/base/error.h"
#include "tinyc/driver/calibration.h"

namespace tinyc {
namespace {

struct Flags {
  ModelFlags model;
  RecipeFlags recipe;
  std::string output;
  std::vector<std::string> parts;
  int threads = 0;
};

Statistics merge_files(const std::vector<std::string>& paths) {
  Statistics merged = read_statistics(paths.front());
  for (size_t i = 1; i < paths.size(); ++i) {
    const Statistics next = read_statistics(paths[i]);
    merged = with_context([&] { return paths[i]; }, [&] { return merge(merged, next); });
  }
  return merged;
}

Statistics collect(const Flags& flags) {
  if (flags.model.path.empty()) {
    throw Error(ErrorKind::kUsage, "MODEL is required", "or give files of statistics with --merge A.json B.json");
  }
  if (flags.recipe.data.path.empty()) throw Error(ErrorKind::kUsage, "--data is required");
  return collect_statistics(flags.model.path, flags.recipe.make(flags.model), flags.threads);
}

void run(const Flags& flags) {
  const Statistics statistics = flags.parts.empty() ? collect(flags) : merge_files(flags.parts);
  write_statistics(flags.output, statistics);
  fmt::print("{}: {} samples, data {}\n", flags.output, statistics.samples, statistics.data.hex());
}

}  // namespace

RunCommand declare_calibrate(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app, "MODEL", false);
  flags->recipe.declare(app, "--data");
  app.add_option("-o,--output", flags->output, "file for the statistics")->required()->type_name("STATS.json");
  app.add_option("--merge", flags->parts, "join these files of statistics instead; needs no model")
      ->type_name("A.json")
      ->expected(1, 1 << 20);
  declare_threads(app, flags->threads);
  return [flags] { run(*flags); };
}

}  // namespace tinyc
