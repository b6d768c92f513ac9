// Make's rules for names in a rule: spaces, '#' and '%' take a backslash, '$' is doubled. Ninja reads the same.
#include "tinyc/driver/depfile.h"

#include <algorithm>

#include "tinyc/onnx/import.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;

std::string escaped(const fs::path& path) {
  std::string text;
  for (const char c : path.string()) {
    if (c == ' ' || c == '#' || c == '%') text += '\\';
    if (c == '$') text += '$';
    text += c;
  }
  return text;
}

}  // namespace

std::string depfile_text(std::span<const fs::path> outputs, std::span<const fs::path> inputs) {
  std::string text;
  for (const fs::path& output : outputs) text += (text.empty() ? "" : " ") + escaped(output);
  text += ":";
  for (const fs::path& input : inputs) text += " \\\n  " + escaped(input);
  return text + "\n";
}

std::vector<fs::path> files_of_model(const fs::path& model) {
  std::vector<fs::path> files = external_files(model);
  files.insert(files.begin(), model);
  return files;
}

std::vector<fs::path> files_of_data(const fs::path& data) {
  std::vector<fs::path> files;
  if (data.empty()) return files;
  std::error_code code;
  for (const auto& entry : fs::recursive_directory_iterator(data, code)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  files.insert(files.begin(), data);
  return files;
}

}  // namespace tinyc
