// tinyc compress: a float model in, a small one out.
#include "tinyc/driver/compress.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <sstream>

#include "command.h"
#include "recipe_flags.h"
#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/presets.h"
#include "tinyc/quant/prune_spec.h"
#include "usage.h"

namespace tinyc {
namespace {

struct Flags {
  ModelFlags model;
  RecipeFlags recipe;
  std::string output;
  std::string report;
  std::string depfile;
  std::string emit;
  CodeFlags code;
  std::string eval_data;
  std::string max_bytes;
  std::string max_ram;
  std::string max_flash;
  std::string target;
  std::string fit;
  std::vector<std::string> prune;
  std::optional<double> max_drop;
  std::optional<double> min_sqnr;
  bool print_recipe = false;
  bool layers = false;
  int threads = 0;
};

void declare_flags(CLI::App& app, Flags& flags) {
  flags.model.declare(app);
  app.add_option("-o,--output", flags.output, "the result; default: MODEL.int8.onnx beside the input")
      ->type_name("OUT");
  flags.recipe.declare(app, "--calib");
  flags.recipe.declare_settings(app);
  app.add_option("--emit", flags.emit, "form of the result; see `tinyc list emitters`")->type_name("onnx|...");
  flags.code.declare(app);
  app.add_option("--eval-data", flags.eval_data, "data that gates and report judge by; default: the calibration data")
      ->type_name("DATA");
  app.add_option("--fit", flags.fit, "goal that bits, noise or what goes is chosen for: bytes=30k, ram=32k, drop=0.5")
      ->type_name("GOAL,...");
  app.add_option("--prune", flags.prune, "weights that become 0, or channels and heads that go")
      ->type_name("0.8|2:4|kernels:0.5|channels:0.5|...")
      ->allow_extra_args(false);
  app.add_option("--max-drop", flags.max_drop, "gate: points of top-1 (percent) that may be lost against float")
      ->type_name("X");
  app.add_option("--max-bytes", flags.max_bytes, "gate: most bytes of the result; 30k is 30 * 1024")->type_name("N");
  app.add_option("--max-ram", flags.max_ram, "gate: most bytes of the arena of emitted C")->type_name("N");
  app.add_option("--max-flash", flags.max_flash, "gate: most bytes of its constants and of its code, as predicted")
      ->type_name("N");
  app.add_option("--target", flags.target, "core that costs of C are predicted for; see `tinyc list targets`")
      ->type_name("CORE");
  app.add_option("--min-sqnr", flags.min_sqnr, "gate: least signal to noise ratio of an output")->type_name("DB");
  app.add_option("--report", flags.report, "write a report as JSON")->type_name("F.json");
  app.add_option("--depfile", flags.depfile, "write what the result depends on, for Make and Ninja")->type_name("F");
  app.add_flag("--layers", flags.layers, "print a line for each layer");
  app.add_flag("--print-recipe", flags.print_recipe, "print the effective recipe and do nothing else");
  declare_threads(app, flags.threads);
  app.footer(
      "example: tinyc compress model.onnx --int8 --calib data.npz --max-drop 0.5\n"
      "Without --calib ranges come from generated inputs, and nobody knows what was lost.");
}

// "bytes=30k,drop=0.5".
FitGoal parse_goal(const std::string& text) {
  FitGoal goal;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t equals = std::min(part.find('='), part.size());
    const std::string name = part.substr(0, equals);
    const std::string value = part.substr(std::min(equals + 1, part.size()));
    if (name == "bytes") {
      goal.bytes = parse_bytes("--fit bytes", value);
    } else if (name == "ram") {
      goal.ram = parse_bytes("--fit ram", value);
    } else if (name == "drop") {
      double points = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), points);
      if (error != std::errc() || end != value.data() + value.size()) {
        throw Error(ErrorKind::kUsage, "--fit drop " + value + ": expected points of top-1, such as 0.5");
      }
      goal.drop = points;
    } else {
      constexpr std::array<std::string_view, 3> kGoals = {"bytes", "ram", "drop"};
      throw Error(ErrorKind::kUsage, "--fit " + part + ": '" + name + "' is no goal", spelling_hint(name, kGoals));
    }
  }
  return goal;
}

// A share that a goal is to choose; the number that stands for it until then.
constexpr std::string_view kChosen = "fit", kAnyShare = "0.5";

// Structures go before single weights.
bool add_structures(const std::string& amount, std::string_view prefix, const char* pass, Recipe& recipe) {
  if (!amount.starts_with(prefix)) return false;
  std::vector<std::string>& passes = recipe[Stage::kPrune];
  if (std::find(passes.begin(), passes.end(), pass) == passes.end()) passes.insert(passes.begin(), pass);
  recipe.pass_options[pass]["share"] = parse_prune_spec(amount.substr(prefix.size())).share;
  return true;
}

void add_chosen_pruning(std::string amount, Recipe& recipe) {
  const std::string before = recipe.fit.prune;
  recipe.fit.prune = amount.starts_with("channels:") ? "prune-channels"
                     : amount.starts_with("heads:")  ? "prune-heads"
                                                     : "prune";
  if (before.empty() || before == recipe.fit.prune) return;
  throw Error(ErrorKind::kUsage, "--prune " + amount + ": a goal chooses one share, not several");
}

void add_pruning(std::string amount, Recipe& recipe) {
  if (amount.ends_with(kChosen)) {
    add_chosen_pruning(amount, recipe);
    amount.replace(amount.size() - kChosen.size(), kChosen.size(), kAnyShare);
  }
  if (add_structures(amount, "channels:", "prune-channels", recipe)) return;
  if (add_structures(amount, "heads:", "prune-heads", recipe)) return;
  std::vector<std::string>& passes = recipe[Stage::kPrune];
  parse_prune_spec(amount);  // complains before any work is done
  if (std::find(passes.begin(), passes.end(), "prune") == passes.end()) passes.emplace_back("prune");
  recipe.pass_options["prune"]["amount"] = amount;
}

Recipe make_recipe(const Flags& flags) {
  Recipe recipe = flags.recipe.make(flags.model);
  if (!flags.emit.empty()) recipe.emit = flags.emit;
  if (!flags.eval_data.empty()) recipe.data.evaluation = flags.eval_data;
  if (flags.max_drop) recipe.gates.max_drop = flags.max_drop;
  if (!flags.max_bytes.empty()) recipe.gates.max_bytes = parse_bytes("--max-bytes", flags.max_bytes);
  if (!flags.max_ram.empty()) recipe.gates.max_ram = parse_bytes("--max-ram", flags.max_ram);
  if (!flags.max_flash.empty()) recipe.gates.max_flash = parse_bytes("--max-flash", flags.max_flash);
  if (!flags.fit.empty()) recipe.fit = parse_goal(flags.fit);
  for (const std::string& amount : flags.prune) add_pruning(amount, recipe);
  if (!flags.target.empty()) recipe.target = flags.target;
  if (flags.code.weight_coder != "none") recipe.weight_coder = flags.code.weight_coder;
  if (flags.code.onnx_weights != "plain") recipe.onnx_weights = flags.code.onnx_weights;
  if (flags.min_sqnr) recipe.gates.min_sqnr = flags.min_sqnr;
  check_recipe(recipe);
  return recipe;
}

// "model.int8.onnx" beside the input; "model.w3a8.onnx" where no preset has these numbers.
std::filesystem::path default_output(const std::filesystem::path& model, const Recipe& recipe) {
  if (require_emitter(recipe.emit).to_folder) return model.parent_path() / (model.stem().string() + "_c");
  const std::string name = recipe[Stage::kAnnotate].empty() ? "float" : preset_name(recipe.quantization);
  std::filesystem::path output = model;
  return output.replace_extension(name + ".onnx");
}

void run(const Flags& flags) {
  CompressRequest request;
  request.recipe = make_recipe(flags);
  if (flags.print_recipe) {
    fmt::print("{}", print_recipe(request.recipe));
    return;
  }
  request.model = flags.model.path;
  request.output =
      flags.output.empty() ? default_output(request.model, request.recipe) : std::filesystem::path(flags.output);
  request.report = flags.report;
  request.depfile = flags.depfile;
  request.recipe_file = flags.recipe.recipe_file;
  request.name = flags.code.name;
  request.plain_inputs = flags.code.plain_inputs();
  request.test_vectors = flags.code.test_vectors;
  request.threads = flags.threads;
  Report report;
  compress(request, report);
  fmt::print("{}", to_text(report, flags.layers));
}

}  // namespace

RunCommand declare_compress(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  declare_flags(app, *flags);
  return [flags] { run(*flags); };
}

}  // namespace tinyc
