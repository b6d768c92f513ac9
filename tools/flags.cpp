#include "flags.h"

#include <charconv>

#include "tinyc/base/error.h"
#include "usage.h"

namespace tinyc {
namespace {

constexpr std::string_view kInputLayouts[] = {"nhwc", "nchw"};
constexpr std::string_view kEngines[] = {"float", "simulated", "integer"};

// A validator that leaves no trace in --help.
CLI::Validator quiet(CLI::Validator validator) {
  return validator.description("");
}

int64_t parse_dim(const std::string& text, const std::string& size) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), value);
  if (error != std::errc() || end != size.data() + size.size() || value < 1) {
    throw Error(ErrorKind::kUsage, "--dim " + text + ": '" + size + "' is not a size", "write --dim batch=1");
  }
  return value;
}

}  // namespace

std::pair<std::string, std::string> split_assignment(const std::string& flag, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorKind::kUsage, flag + " " + text + ": expected NAME=VALUE");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void ModelFlags::declare(CLI::App& app, const std::string& positional, bool required) {
  app.add_option(positional, path, "ONNX file")->required(required)->type_name("");
  app.add_option("--dim", dims, "give an open dimension its size: --dim batch=1")
      ->type_name("NAME=SIZE")
      ->allow_extra_args(false);
  app.add_option("--fix", fixed, "turn an input into a constant: --fix sr=16000")
      ->type_name("INPUT=VALUE")
      ->allow_extra_args(false);
}

ImportOptions ModelFlags::options() const {
  ImportOptions options;
  for (const std::string& text : dims) {
    const auto [name, size] = split_assignment("--dim", text);
    options.dims[name] = parse_dim(text, size);
  }
  for (const std::string& text : fixed) {
    auto [name, value] = split_assignment("--fix", text);
    options.fixed[std::move(name)] = std::move(value);
  }
  return options;
}

void EngineFlag::declare(CLI::App& app) {
  app.add_option(
         "--engine", name,
         "simulated (default): values are rounded to their grids, as an integer runtime does; float: they are not; "
         "integer: the kernels of emitted C, bit for bit")
      ->type_name("float|simulated|integer");
}

Engine EngineFlag::engine() const {
  require_one_of("--engine", name, kEngines);
  if (name == "integer") return Engine::kInteger;
  return name == "float" ? Engine::kFloat : Engine::kSimulated;
}

CLI::Option* DataFlags::declare(CLI::App& app, const std::string& flag, bool required) {
  const auto key = [&](const char* name, const char* type, const char* help) {
    app.add_option_function<std::string>(
           std::string("--") + name, [this, name](const std::string& value) { preprocess[name] = value; }, help)
        ->type_name(type);
  };
  CLI::Option* option = app.add_option(flag, path, "samples: .npz, .npy, or a folder of these, of images, of WAV files")
                            ->type_name("DATA");
  if (required) option->required();
  key("layout", "nchw|nhwc", "order of the axes of raw samples");
  key("resize", "HxW|N", "resize images; N is the shorter side");
  key("crop", "HxW|N", "then keep the middle");
  key("scale", "1/255", "then multiply raw values");
  key("mean", "M,M,M", "then subtract, one number or one per channel");
  key("std", "S,S,S", "then divide, one number or one per channel");
  app.add_option("--max-samples", max_samples, "use the first N samples only")
      ->type_name("N")
      ->check(quiet(CLI::PositiveNumber));
  return option;
}

void DataFlags::apply(Preprocess& target) const {
  for (const auto& [name, value] : preprocess) {
    with_context([&, key = name] { return "--" + key; },
                 [&, key = name, text = value] { set_preprocess(target, key, text); });
  }
}

Dataset DataFlags::open(const Graph& graph) const {
  DatasetOptions options;
  apply(options.preprocess);
  options.limit = max_samples;
  options.read_tensor = load_tensor_pb;
  return Dataset::open(path, model_inputs(graph), options);
}

void CodeFlags::declare(CLI::App& app) {
  app.add_option("--name", name, "C: name of the model; default: from its file name")->type_name("NAME");
  app.add_option("--input-layout", input_layout, "C: how images come; default: nhwc")->type_name("nhwc|nchw");
  app.add_option("--weight-coder", weight_coder,
                 "C: how weights are stored where that is smaller; see `tinyc list coders`")
      ->type_name("none|smallest|fast|...");
  app.add_option("--onnx-weights", onnx_weights,
                 "ONNX: plain integers, or indices into few values where that is smaller; default: plain")
      ->type_name("plain|gather");
  app.add_option("--test-vectors", test_vectors, "C: also write NAME_test.c, which checks itself on so many samples")
      ->type_name("N")
      ->check(quiet(CLI::NonNegativeNumber));
}

bool CodeFlags::plain_inputs() const {
  if (!input_layout.empty()) require_one_of("--input-layout", input_layout, kInputLayouts);
  return input_layout == "nchw";
}

void declare_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "print JSON");
}

void declare_threads(CLI::App& app, int& threads) {
  app.add_option("--threads", threads, "threads to use; 0 (default): all processors")
      ->type_name("N")
      ->check(quiet(CLI::NonNegativeNumber));
}

}  // namespace tinyc
