// Conformance: the official ONNX backend node tests, each imported, run, exported, imported again and run again.
//
//   tinyc_conformance NODE_FOLDER MANIFEST [--export DIR] [--only NAME] [--at-least N] [--list-failures]
//
// MANIFEST lists the tests that do not pass, each with its reason. A listed test that passes fails the run as an
// unlisted one that does not, and fewer than N that pass. --export writes what was exported, for the comparison with
// onnxruntime (roundtrip_onnxruntime.py). Tolerances are those of the ONNX backend test runner: rtol 1e-3, atol 1e-7
// widened to 1e-5.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/eval/program.h"
#include "tinyc/onnx/export.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"

namespace fs = std::filesystem;

namespace {

using namespace tinyc;

constexpr double kRelative = 1e-3;
constexpr double kAbsolute = 1e-5;

struct Arguments {
  fs::path folder;
  fs::path manifest;
  fs::path export_folder;
  std::string only;
  int at_least = 0;
  bool list_failures = false;
};

std::map<std::string, std::string> read_manifest(const fs::path& path) {
  std::map<std::string, std::string> reasons;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name;
    words >> name;
    std::string reason;
    std::getline(words >> std::ws, reason);
    reasons[name] = reason;
  }
  return reasons;
}

std::vector<Tensor> read_tensors(const fs::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0; fs::exists(folder / (prefix + std::to_string(i) + ".pb")); ++i) {
    tensors.push_back(load_tensor_pb(folder / (prefix + std::to_string(i) + ".pb")));
  }
  return tensors;
}

bool close(double found, double expected) {
  if (std::isnan(expected)) return std::isnan(found);
  if (std::isinf(expected)) return found == expected;
  return std::abs(found - expected) <= kAbsolute + kRelative * std::abs(expected);
}

bool same_elements(const Tensor& found, const Tensor& expected) {
  if (!is_floating(expected.dtype())) return found.same_bytes(expected);
  if (expected.dtype() == DataType::kDouble) {
    return std::equal(found.data<double>().begin(), found.data<double>().end(), expected.data<double>().begin(), close);
  }
  const std::vector<float> left = found.to_float();
  const std::vector<float> right = expected.to_float();
  return std::equal(left.begin(), left.end(), right.begin(), close);
}

// The test data hold bfloat16 as uint16.
Tensor as_type(const Tensor& tensor, DataType dtype) {
  const bool bits = tensor.dtype() == DataType::kUint16 && dtype == DataType::kBfloat16;
  return bits ? tensor.reinterpreted(dtype) : tensor;
}

void compare(const std::vector<Tensor>& found, std::vector<Tensor> expected, const std::string& when) {
  if (found.size() != expected.size()) throw Error(ErrorKind::kModel, when + ": number of outputs");
  for (size_t i = 0; i < found.size(); ++i) {
    expected[i] = as_type(expected[i], found[i].dtype());
    const std::string place = when + ": output " + std::to_string(i);
    if (found[i].type() != expected[i].type()) {
      throw Error(ErrorKind::kModel,
                  place + " is " + to_string(found[i].type()) + ", expected " + to_string(expected[i].type()));
    }
    if (!same_elements(found[i], expected[i])) throw Error(ErrorKind::kModel, place + " differs");
  }
}

std::vector<Tensor> run(const Graph& graph, std::vector<Tensor> inputs) {
  if (inputs.size() != graph.inputs.size()) throw Error(ErrorKind::kModel, "number of inputs");
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = as_type(inputs[i], graph[graph.inputs[i]].type.dtype);
  Workspace workspace;
  return Program(graph).run(inputs, workspace);
}

// Empty when the test passes, else what went wrong.
std::string check(const fs::path& folder, const fs::path& export_folder) {
  try {
    Graph graph = import_model(folder / "model.onnx");
    infer_types(graph);
    const std::string bytes = export_model(graph);
    Graph again = import_model_bytes(bytes);
    infer_types(again);
    if (export_model(again) != bytes) throw Error(ErrorKind::kModel, "exported again, the bytes differ");
    for (int set = 0; fs::exists(folder / ("test_data_set_" + std::to_string(set))); ++set) {
      const fs::path data = folder / ("test_data_set_" + std::to_string(set));
      const std::vector<Tensor> inputs = read_tensors(data, "input_");
      const std::vector<Tensor> expected = read_tensors(data, "output_");
      compare(run(graph, inputs), expected, "imported");
      compare(run(again, inputs), expected, "exported");
    }
    if (!export_folder.empty()) write_file_atomic(export_folder / (folder.filename().string() + ".onnx"), bytes);
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::optional<Arguments> parse(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) return std::nullopt;
  Arguments arguments{.folder = words[0], .manifest = words[1], .export_folder = {}, .only = {}, .at_least = 0};
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "--list-failures") {
      arguments.list_failures = true;
    } else if (words[i] == "--export" && i + 1 < words.size()) {
      arguments.export_folder = words[++i];
    } else if (words[i] == "--at-least" && i + 1 < words.size()) {
      arguments.at_least = std::stoi(words[++i]);
    } else if (words[i] == "--only" && i + 1 < words.size()) {
      arguments.only = words[++i];
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

int run_all(const Arguments& arguments) {
  const auto reasons = read_manifest(arguments.manifest);
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(arguments.folder)) {
    const std::string name = entry.path().filename().string();
    if (fs::exists(entry.path() / "model.onnx") && (arguments.only.empty() || name == arguments.only))
      folders.push_back(entry);
  }
  std::sort(folders.begin(), folders.end());
  int passed = 0;
  int wrong = 0;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    const std::string problem = check(folder, arguments.export_folder);
    const bool listed = reasons.contains(name);
    passed += problem.empty() ? 1 : 0;
    if (arguments.list_failures && !problem.empty()) std::printf("%s  %s\n", name.c_str(), problem.c_str());
    if (problem.empty() != listed) continue;
    ++wrong;
    if (arguments.list_failures) continue;
    if (listed) {
      std::printf("surprise pass: %s (the manifest says: %s)\n", name.c_str(), reasons.at(name).c_str());
    } else {
      std::printf("failed: %s: %s\n", name.c_str(), problem.c_str());
    }
  }
  std::printf("%d of %zu passed, %zu listed, %d wrong\n", passed, folders.size(), reasons.size(), wrong);
  return wrong == 0 && passed >= arguments.at_least ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: %s NODE_FOLDER MANIFEST [--export DIR] [--only NAME] [--at-least N] [--list-failures]\n",
                 argv[0]);
    return 2;
  }
  return run_all(*arguments);
}
