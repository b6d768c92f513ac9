// Any bytes that are read as a small model run to outputs or to an Error that is not our own bug, whatever its
// constants say: indices, sizes, axes and lengths that reach outside.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tinyc/base/error.h"
#include "tinyc/eval/program.h"
#include "tinyc/ir/verify.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"

namespace tinyc {
namespace {

constexpr int64_t kMostElements = 4096;

// Open dims as 2; nothing where there are too many elements to run often.
std::optional<Dims> small_dims(const Shape& shape) {
  Dims dims;
  int64_t count = 1;
  for (const Dim& dim : shape.dims()) {
    dims.push_back(dim.known() ? dim.value : 2);
    if (dims.back() > kMostElements || (count *= dims.back()) > kMostElements) return {};
  }
  return dims;
}

// Subgraphs, which may loop, are not run.
bool is_small(const Graph& graph) {
  return std::none_of(graph.nodes.begin(), graph.nodes.end(),
                      [](const Node& node) { return node.op == nullptr || node.captures > 0; }) &&
         std::all_of(graph.values.begin(), graph.values.end(),
                     [](const Value& value) { return !value.type.shape.ranked() || small_dims(value.type.shape); });
}

// Elements 0 to 3, which operands that are sizes or indices may have; nothing for types that hold no such numbers.
std::optional<Tensor> make_input(const TensorType& type) {
  if (!type.shape.ranked() || (type.dtype != DataType::kFloat && !is_integer(type.dtype))) return {};
  Tensor tensor = Tensor::zeros(type.dtype, *small_dims(type.shape));
  const auto width = static_cast<size_t>(bits_of(type.dtype) / 8);
  for (size_t i = 0; i < static_cast<size_t>(tensor.size()); ++i) {
    if (type.dtype == DataType::kFloat) tensor.mutable_data<float>()[i] = static_cast<float>(i % 4);
    if (type.dtype != DataType::kFloat && width > 0) tensor.mutable_bytes()[i * width] = static_cast<std::byte>(i % 4);
  }
  return tensor;
}

void run(std::string_view bytes) {
  Graph graph = import_model_bytes(bytes);
  infer_types(graph);
  verify(graph);
  if (!is_small(graph)) return;
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs) {
    auto input = make_input(graph[id].type);
    if (!input) return;
    inputs.push_back(std::move(*input));
  }
  Workspace workspace;
  static_cast<void>(Program(graph).run(inputs, workspace));
}

}  // namespace
}  // namespace tinyc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    tinyc::run({reinterpret_cast<const char*>(data), size});
  } catch (const tinyc::Error& error) {
    if (error.kind() != tinyc::ErrorKind::kInternal) return 0;
    std::fprintf(stderr, "%s\n", error.what());
    std::abort();
  }
  return 0;
}
