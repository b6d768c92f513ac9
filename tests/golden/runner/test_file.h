// A golden test: one text file that holds what is needed, what is run, and what is expected.
//
//   What this test shows.                     text before the first section
//   === model m.onnx                          a model in ONNX text form, written as protobuf
//   === patch m.onnx                          changes that ONNX text cannot say; see fixtures.h
//   === npz data.npz / === npy x.npy          arrays: NAME DTYPE DIMS = VALUES; see fixtures.h
//   === text recipe.toml                      a file as it stands here
//   === run                                   a shell script, run in an empty folder with tinyc in the path
//   === filter seconds hash                   what is masked in the output before it is compared; see filters.h
//   === exit 2                                expected exit code
//   === stdout / === stderr / === content F   expected text (of file F after the run)
//   === absent F                              F must not exist after the run
//
// A section is its "=== KIND ARGUMENT" line and all lines up to the next.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace golden {

struct Section {
  std::string kind;
  std::string argument;
  std::string body;  // ends with a newline unless empty
};

struct TestFile {
  std::string heading;
  std::vector<Section> sections;
};

TestFile parse(const std::string& text);
std::string print(const TestFile& file);

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace golden
