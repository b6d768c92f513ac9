// tinyc: reads the command line, runs one subcommand, and turns whatever goes wrong into one message and an exit code
// (0 done, 1 a gate failed, 2 usage, 3 model, 4 file, 70 a bug; see ErrorKind).
#include <fmt/core.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "command.h"
#include "tinyc/base/error.h"
#include "usage.h"

namespace tinyc {
namespace {

constexpr Command kCommands[] = {
    {"compress", "make a model small: quantize it and write the result", declare_compress},
    {"inspect", "parameters, MACs, memory and ops of a model; what would stay in float, and why", declare_inspect},
    {"run", "run a model on given inputs", declare_run},
    {"eval", "how good a model is on labelled data", declare_eval},
    {"compare", "how far a model is from a reference on the same data", declare_compare},
    {"calibrate", "collect the statistics of a model's values, or merge collected ones", declare_calibrate},
    {"sensitivity", "what quantizing each layer alone would cost", declare_sensitivity},
    {"emit", "write an already quantized model in another form", declare_emit},
    {"list", "list ops, passes, observers, emitters or presets", declare_list},
};

constexpr const char* kFooter =
    "exit codes: 0 done, 1 a gate failed, 2 usage, 3 model, 4 file, 70 a bug in tinyc\n"
    "`tinyc COMMAND --help` says what a command takes.";

// Never throws: standard error may be as broken as what is reported.
void print_error(const Error& error) noexcept {
  std::fprintf(stderr, "error: %s\n", error.what());
  if (!error.hint().empty()) std::fprintf(stderr, "  hint: %s\n", error.hint().c_str());
}

// True when there is something to run: --help and --version are answered here.
bool parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto parsed = app.get_subcommands();
    fmt::print("{}", parsed.empty() ? app.help() : parsed.front()->help("tinyc"));
    return false;
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
    return false;
  } catch (const CLI::ParseError& error) {
    fail_parse(app, error.what());
  }
  return true;
}

void run(int argc, const char* const* argv) {
  CLI::App app("tinyc: makes trained ONNX models small", "tinyc");
  app.set_version_flag("--version", std::string("tinyc ") + TINYC_VERSION, "print the version");
  app.set_help_flag("-h,--help", "print this help");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  std::vector<std::pair<CLI::App*, RunCommand>> commands;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->footer("");
    commands.emplace_back(sub, command.declare(*sub));
  }
  if (!parse(app, argc, argv)) return;
  for (const auto& [sub, run_command] : commands) {
    if (sub->parsed()) run_command();
  }
}

int guarded_main(int argc, const char* const* argv) {
  try {
    run(argc, argv);
    if (std::fflush(stdout) != 0) throw Error(ErrorKind::kIo, "cannot write to standard output");
    return 0;
  } catch (const Error& error) {
    std::fflush(stdout);
    print_error(error);
    return static_cast<int>(error.kind());
  } catch (const std::system_error& error) {
    print_error(Error(ErrorKind::kIo, std::string("cannot write to standard output: ") + error.code().message()));
    return static_cast<int>(ErrorKind::kIo);
  } catch (const std::bad_alloc&) {
    print_error(Error(ErrorKind::kModel, "out of memory", "the model or its data needs more than this machine gives"));
    return static_cast<int>(ErrorKind::kModel);
  } catch (const std::exception& error) {
    print_error(Error(ErrorKind::kInternal, error.what(), "this is a bug in tinyc; please report it"));
    return static_cast<int>(ErrorKind::kInternal);
  }
}

}  // namespace
}  // namespace tinyc

int main(int argc, char** argv) {
  // A file that outgrows its limit is a failed write, reported like a full disk, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  return tinyc::guarded_main(argc, argv);
}
