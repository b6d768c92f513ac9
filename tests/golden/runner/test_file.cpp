#include "test_file.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace golden {
namespace {

constexpr const char* kMark = "=== ";

Section parse_header(const std::string& line) {
  std::istringstream words(line.substr(4));
  Section section;
  words >> section.kind;
  std::getline(words >> std::ws, section.argument);
  return section;
}

}  // namespace

TestFile parse(const std::string& text) {
  TestFile file;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind(kMark, 0) == 0) {
      file.sections.push_back(parse_header(line));
    } else {
      (file.sections.empty() ? file.heading : file.sections.back().body) += line + "\n";
    }
  }
  return file;
}

std::string print(const TestFile& file) {
  std::string text = file.heading;
  for (const Section& section : file.sections) {
    text += kMark + section.kind + (section.argument.empty() ? "" : " " + section.argument) + "\n" + section.body;
  }
  return text;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace golden
