#include "usage.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string hint_for(const std::string& word, const std::vector<std::string>& known, const std::string& otherwise) {
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  const auto match = closest(word, candidates);
  return match ? "did you mean '" + std::string(*match) + "'?" : otherwise;
}

}  // namespace

void fail_parse(const CLI::App& app, std::string_view message) {
  const auto parsed = app.get_subcommands();
  const CLI::App& command = parsed.empty() ? app : *parsed.front();
  const std::string help =
      "`" + (parsed.empty() ? std::string("tinyc") : "tinyc " + command.get_name()) + " --help` lists what it takes";
  const std::vector<std::string> extras = app.remaining(true);
  const auto flag = std::find_if(extras.begin(), extras.end(), [](const auto& text) { return text.starts_with('-'); });
  if (flag != extras.end()) {
    const std::string name = flag->substr(0, flag->find('='));
    throw Error(ErrorKind::kUsage, "unknown flag '" + name + "'", hint_for(name, flag_names(command), help));
  }
  if (!extras.empty() && parsed.empty()) {
    throw Error(ErrorKind::kUsage, "unknown command '" + extras.front() + "'",
                hint_for(extras.front(), command_names(app), help));
  }
  if (!extras.empty()) throw Error(ErrorKind::kUsage, "unexpected argument '" + extras.front() + "'", help);
  throw Error(ErrorKind::kUsage, std::string(message), help);
}

void require_one_of(std::string_view flag, std::string_view value, std::span<const std::string_view> known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw Error(ErrorKind::kUsage, std::string(flag) + ": '" + std::string(value) + "' is not known",
              spelling_hint(value, known));
}

}  // namespace tinyc
