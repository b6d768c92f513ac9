// tinyc run: one run of a model on given inputs.
#include <fmt/core.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "flags.h"
#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/load.h"
#include "tinyc/driver/npy.h"

namespace tinyc {
namespace {

struct Flags {
  ModelFlags model;
  EngineFlag engine;
  std::vector<std::string> inputs;
  std::string folder;
  bool json = false;
};

std::vector<Tensor> load_inputs(const Graph& graph, const std::vector<std::string>& given) {
  std::map<std::string, std::string> files;
  for (const std::string& text : given) {
    auto [name, file] = split_assignment("--input", text);
    files[std::move(name)] = std::move(file);
  }
  std::vector<Tensor> inputs;
  std::vector<std::string_view> names;
  for (ValueId id : graph.inputs) {
    const Value& value = graph[id];
    names.push_back(value.name);
    const auto file = files.find(value.name);
    if (file == files.end()) {
      throw Error(ErrorKind::kUsage, "input '" + value.name + "' (" + to_string(value.type) + ") is not given",
                  "add --input " + value.name + "=FILE.npy");
    }
    inputs.push_back(load_npy(file->second));
    files.erase(file);
  }
  if (files.empty()) return inputs;
  const std::string& name = files.begin()->first;
  throw Error(ErrorKind::kUsage, "the model has no input '" + name + "'", spelling_hint(name, names));
}

// A value's name as a file name: what a folder cannot hold becomes '_'.
std::string file_name(std::string name) {
  for (char& c : name) {
    if (c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20) c = '_';
  }
  return name + ".npy";
}

void run(const Flags& flags) {
  const Engine engine = flags.engine.engine();
  const Graph graph = load_model(flags.model.path, flags.model.options());
  const Program program(graph, {engine, {}});
  Workspace workspace;
  const std::vector<Tensor> outputs = program.run(load_inputs(graph, flags.inputs), workspace);
  OutputSet files;
  nlohmann::ordered_json json = {{"outputs", nlohmann::ordered_json::array()}};
  std::string text;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = graph[graph.outputs[i]].name;
    const std::string type = to_string(outputs[i].type());
    json["outputs"].push_back({{"name", name}, {"type", type}});
    text += name + " " + type + "\n";
    if (flags.folder.empty()) continue;
    std::filesystem::create_directories(flags.folder);
    const std::filesystem::path file = std::filesystem::path(flags.folder) / file_name(name);
    json["outputs"].back()["file"] = file.string();
    files.add(file, to_npy(outputs[i]));
  }
  files.commit();
  fmt::print("{}", flags.json ? json.dump(2) + "\n" : text);
}

}  // namespace

RunCommand declare_run(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  flags->engine.declare(app);
  app.add_option("--input", flags->inputs, "value of a model input")->type_name("NAME=FILE.npy");
  app.add_option("-o,--output", flags->folder, "folder for one .npy per model output, by its name")->type_name("DIR");
  declare_json(app, flags->json);
  return [flags] { run(*flags); };
}

}  // namespace tinyc
