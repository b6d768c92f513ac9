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
  };
  const auto flags = std::make_shared<Flags>();
  flags->model.declare(app);
  app.add_option("--as", flags->form, "form of the result; see `tinyc list emitters`")
      ->required()
      ->type_name("onnx|...");
  app.add_option("-o,--output", flags->output, "the result")->required()->type_name("OUT");
  return [flags] {
    const EmitterDef& emitter = require_emitter(flags->form);
    const std::string bytes = emitter.emit(load_model(flags->model.path, flags->model.options()));
    write_file_atomic(flags->output, bytes);
    fmt::print("{} {}\n", flags->output, format_bytes(bytes.size()));
  };
}

}  // namespace tinyc
