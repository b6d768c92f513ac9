#include "tinyc/ir/verify.h"

#include <algorithm>
#include <set>

#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"

namespace tinyc {
namespace {

[[noreturn]] void broken(const std::string& what) {
  throw Error(ErrorKind::kInternal, "the graph is inconsistent: " + what,
              "this is a bug in tinyc; please report it with the model and the command line");
}

void verify_value(const Value& value) {
  const QParams* params = linear_params(value);
  if (value.constant) {
    const Tensor& tensor = *value.constant;
    const bool packed = tensor.dtype() != value.type.dtype;
    if (packed && (params == nullptr || params->storage != tensor.dtype())) {
      broken("constant '" + value.name + "' is " + std::string(name_of(tensor.dtype())) + ", its type says " +
             to_string(value.type));
    }
    if (value.type.shape != Shape(tensor.dims())) broken("constant '" + value.name + "' has other dims than its type");
    if (params != nullptr) check_params(*params, tensor.dims());
  } else if (params != nullptr && params->axis < 0 && params->scales.size() != 1) {
    broken("value '" + value.name + "' is annotated per tensor with " + std::to_string(params->scales.size()) +
           " scales");
  }
  if (params != nullptr && value.type.dtype != DataType::kFloat) {
    broken("value '" + value.name + "' is annotated but is " + to_string(value.type));
  }
}

void verify_names(const Graph& graph) {
  std::set<std::string_view> names;
  for (const Value& value : graph.values) {
    if (value.name.empty() || !names.insert(value.name).second)
      broken("value name '" + value.name + "' is taken or empty");
  }
  std::set<std::string_view> node_names;
  for (const Node& node : graph.nodes) {
    if (node.name.empty() || !node_names.insert(node.name).second)
      broken("node name '" + node.name + "' is taken or empty");
  }
}

}  // namespace

void verify(const Graph& graph) {
  const size_t count = graph.values.size();
  std::vector<bool> ready(count, false);
  const auto make_ready = [&](ValueId id, const std::string& who) {
    if (index_of(id) >= count) broken(who + " writes a value that does not exist");
    if (ready[index_of(id)]) broken("value '" + graph[id].name + "' has two producers");
    ready[index_of(id)] = true;
  };
  for (ValueId id : graph.inputs) make_ready(id, "the graph's input list");
  for (size_t i = 0; i < count; ++i) {
    if (graph.values[i].constant) make_ready(ValueId(i), "a constant");
  }
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr && node.foreign == nullptr) broken(node.name + " is neither known nor foreign");
    for (ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      if (index_of(id) >= count) broken(describe(node) + " reads a value that does not exist");
      if (!ready[index_of(id)]) broken(describe(node) + " reads '" + graph[id].name + "' before it is computed");
    }
    for (ValueId id : node.outputs) {
      if (id != kNoValue) make_ready(id, describe(node));
    }
  }
  for (ValueId id : graph.outputs) {
    if (index_of(id) >= count || !ready[index_of(id)]) broken("a graph output is never computed");
  }
  for (const Value& value : graph.values) verify_value(value);
  verify_names(graph);
}

}  // namespace tinyc
