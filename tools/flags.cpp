#include "flags.h"

#include <charconv>

#include "tinyc/base/error.h"
#include "usage.h"

namespace tinyc {
namespace {

constexpr std::string_view kEngines[] = {"float", "simulated"};

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

void ModelFlags::declare(CLI::App& app, const std::string& positional) {
  app.add_option(positional, path, "ONNX file")->required()->type_name("");
  app.add_option("--dim", dims, "give an open dimension its size: --dim batch=1")->type_name("NAME=SIZE");
  app.add_option("--fix", fixed, "turn an input into a constant: --fix sr=16000")->type_name("INPUT=VALUE");
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

void EngineFlag::declare(CLI::App& app, const std::string& fallback) {
  name = fallback;
  app.add_option(
         "--engine", name,
         "float: as the model says; simulated: rounded where an integer runtime rounds (default: " + fallback + ")")
      ->type_name("float|simulated");
}

Engine EngineFlag::engine() const {
  require_one_of("--engine", name, kEngines);
  return name == "float" ? Engine::kFloat : Engine::kSimulated;
}

void declare_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "print JSON");
}

}  // namespace tinyc
