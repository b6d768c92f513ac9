// tinyc emit: an already quantized model, from any tool, in another form.
#include <fmt/core.h>

#include <memory>

#include "command.h"
#include "flags.h"
#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/calibration.h"
#include "tinyc/driver/depfile.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/load.h"

namespace tinyc {
namespace {

// The first samples of the data; generated ones where no data are named.
std::vector<std::vector<Tensor>> test_samples(const Graph& graph, const DataFlags& flags, int64_t count) {
  std::vector<std::vector<Tensor>> samples;
  if (count == 0) return samples;
  Recipe recipe;
  recipe.data.calibration = flags.path;
  recipe.data.max_samples = flags.max_samples;
  flags.apply(recipe.data.preprocess);
  Dataset data = open_calibration(graph, recipe, count);
  for (Batch batch = data.next(1); batch.size > 0; batch = data.next(1)) samples.push_back(batch.inputs);
  return samples;
}

std::string dependencies(const EmitResult& result, const std::filesystem::path& model, const std::string& data) {
  std::vector<std::filesystem::path> outputs;
  for (const OutputFile& file : result.files) outputs.push_back(file.path);
  std::vector<std::filesystem::path> inputs = files_of_model(model);
  for (std::filesystem::path& file : files_of_data(data)) inputs.push_back(std::move(file));
  return depfile_text(outputs, inputs);
}

}  // namespace

RunCommand declare_emit(CLI::App& app) {
  struct Flags {
    ModelFlags model;
    std::string form;
    std::string output;
    std::string depfile;
    CodeFlags code;
    DataFlags data;
  };
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  app.add_option("--as", flags->form, "form of the result; see `tinyc list emitters`")
      ->required()
      ->type_name("onnx|...");
  app.add_option("-o,--output", flags->output, "the result")->required()->type_name("OUT");
  flags->code.declare(app);
  app.add_option("--depfile", flags->depfile, "write what the result depends on, for Make and Ninja")->type_name("F");
  flags->data.declare(app, "--data", false);
  return [flags] {
    const EmitterDef& emitter = require_emitter(flags->form);
    EmitRequest request;
    request.output = flags->output;
    request.model = flags->model.path;
    request.name = flags->code.name;
    request.plain_inputs = flags->code.plain_inputs();
    request.coders = parse_coders(flags->code.weight_coder);
    request.fast_coding = flags->code.weight_coder == "fast";
    request.gather_weights = gathers_weights(flags->code.onnx_weights);
    const Graph graph = load_model(flags->model.path, flags->model.options());
    request.test_samples = test_samples(graph, flags->data, flags->code.test_vectors);
    const EmitResult result =
        with_context([&] { return flags->model.path; }, [&] { return emitter.emit(graph, request); });
    if (emitter.to_folder) std::filesystem::create_directories(flags->output);
    OutputSet files;
    for (const OutputFile& file : result.files) files.add(file.path, file.bytes);
    if (!flags->depfile.empty()) {
      files.add(flags->depfile,
                dependencies(result, request.model, request.test_samples.empty() ? "" : flags->data.path));
    }
    files.commit();
    for (const OutputFile& file : result.files)
      fmt::print("{} {}\n", file.path.string(), format_bytes(file.bytes.size()));
  };
}

}  // namespace tinyc
