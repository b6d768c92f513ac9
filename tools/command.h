// What a subcommand is: a name, a line of help, and a function that declares its flags on a CLI::App and returns what
// to run once they are parsed. Failing is throwing tinyc::Error; main() turns it into the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace tinyc {

using RunCommand = std::function<void()>;

struct Command {
  const char* name;
  const char* summary;
  RunCommand (*declare)(CLI::App& app);
};

RunCommand declare_calibrate(CLI::App& app);
RunCommand declare_compare(CLI::App& app);
RunCommand declare_compress(CLI::App& app);
RunCommand declare_emit(CLI::App& app);
RunCommand declare_eval(CLI::App& app);
RunCommand declare_inspect(CLI::App& app);
RunCommand declare_list(CLI::App& app);
RunCommand declare_run(CLI::App& app);
RunCommand declare_sensitivity(CLI::App& app);

}  // namespace tinyc
