// tinyc emit: an already quantized model, from any tool, in another form.
#include <fmt/core.h>

#include <memory>

#include "command.h"
#include "flags.h"
#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/load.h"

namespace tinyc {

RunCommand declare_emit(CLI::App& app) {
  struct Flags {
    ModelFlags model;
    std::string form;
    std::string output;
    std::string name;
  };
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  app.add_option("--as", flags->form, "form of the result; see `tinyc list emitters`")
      ->required()
      ->type_name("onnx|...");
  app.add_option("-o,--output", flags->output, "the result")->required()->type_name("OUT");
  app.add_option("--name", flags->name, "C: name of the model; default: from its file name")->type_name("NAME");
  return [flags] {
    const EmitterDef& emitter = require_emitter(flags->form);
    EmitRequest request;
    request.output = flags->output;
    request.model = flags->model.path;
    request.name = flags->name;
    const Graph graph = load_model(flags->model.path, flags->model.options());
    const EmitResult result =
        with_context([&] { return flags->model.path; }, [&] { return emitter.emit(graph, request); });
    if (emitter.to_folder) std::filesystem::create_directories(flags->output);
    OutputSet files;
    for (const OutputFile& file : result.files) files.add(file.path, file.bytes);
    files.commit();
    for (const OutputFile& file : result.files)
      fmt::print("{} {}\n", file.path.string(), format_bytes(file.bytes.size()));
  };
}

}  // namespace tinyc
