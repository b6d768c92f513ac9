// Runs golden tests: golden_tests [--update] TINYC FILE...
//
// --update writes what the program says now into the expectations; read the diff before you commit it.
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "filters.h"
#include "fixtures.h"
#include "test_file.h"

namespace golden {
namespace {

namespace fs = std::filesystem;

class WorkFolder {
 public:
  WorkFolder() {
    std::string name = (fs::temp_directory_path() / "golden_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder in " + name);
    root_ = name;
    fs::create_directory(work());
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  fs::path work() const { return root_ / "work"; }
  fs::path capture(const char* name) const { return root_ / name; }

 private:
  fs::path root_;
};

std::string quoted(const fs::path& path) {
  return "'" + path.string() + "'";
}

// Runs the script in the work folder; its output goes to the capture files.
int run_script(const std::string& script, const fs::path& tinyc, const WorkFolder& folder) {
  const fs::path file = folder.capture("script");
  write_text(file, "PATH=" + quoted(tinyc.parent_path()) + ":$PATH\ncd " + quoted(folder.work()) + "\n" + script);
  const std::string command = "sh " + quoted(file) + " </dev/null >" + quoted(folder.capture("stdout")) + " 2>" +
                              quoted(folder.capture("stderr"));
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string with_newline(std::string text) {
  if (!text.empty() && text.back() != '\n') text += "\n";
  return text;
}

void make_fixture(const Section& section, const fs::path& work) {
  const fs::path path = work / section.argument;
  if (section.kind == "model") make_model(path, section.body);
  if (section.kind == "patch") patch_model(path, section.body);
  if (section.kind == "npy") make_npy(path, section.body);
  if (section.kind == "npz") make_npz(path, section.body);
  if (section.kind == "text") write_text(path, section.body);
}

// What an expectation section says after this run; the section itself when it expects nothing.
Section observed(const Section& section, const WorkFolder& folder, int exit_code, const std::string& filters) {
  const auto text_of = [&](const fs::path& path) {
    return fs::exists(path) ? with_newline(mask(read_text(path), filters, folder.work())) : "(no such file)\n";
  };
  Section now = section;
  if (section.kind == "exit") now.argument = std::to_string(exit_code);
  if (section.kind == "stdout") now.body = text_of(folder.capture("stdout"));
  if (section.kind == "stderr") now.body = text_of(folder.capture("stderr"));
  if (section.kind == "content") now.body = text_of(folder.work() / section.argument);
  if (section.kind == "absent" && fs::exists(folder.work() / section.argument)) now.body = "(it exists)\n";
  return now;
}

bool run_test(const fs::path& path, const fs::path& tinyc, bool update) {
  const TestFile file = parse(read_text(path));
  const WorkFolder folder;
  std::string filters;
  int exit_code = 0;
  for (const Section& section : file.sections) {
    make_fixture(section, folder.work());
    if (section.kind == "filter") filters += " " + section.argument;
    if (section.kind == "run") exit_code = run_script(section.body, tinyc, folder);
  }
  TestFile now = file;
  bool same = true;
  for (size_t i = 0; i < file.sections.size(); ++i) {
    const Section& expected = file.sections[i];
    now.sections[i] = observed(expected, folder, exit_code, filters);
    const Section& actual = now.sections[i];
    if (actual.argument == expected.argument && actual.body == expected.body) continue;
    same = false;
    std::cerr << path.filename().string() << ": " << expected.kind << " differs\n--- expected " << expected.argument
              << "\n"
              << expected.body << "--- actual " << actual.argument << "\n"
              << actual.body;
  }
  if (!same && update) write_text(path, print(now));
  return same || update;
}

}  // namespace
}  // namespace golden

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool update = !words.empty() && words.front() == "--update";
  const size_t first = update ? 1 : 0;
  if (words.size() < first + 2) {
    std::cerr << "usage: golden_tests [--update] TINYC FILE...\n";
    return 2;
  }
  bool passed = true;
  for (size_t i = first + 1; i < words.size(); ++i) {
    try {
      passed = golden::run_test(words[i], std::filesystem::absolute(words[first]), update) && passed;
    } catch (const std::exception& error) {
      std::cerr << words[i] << ": " << error.what() << "\n";
      passed = false;
    }
  }
  return passed ? 0 : 1;
}
