#include "onnx/order.h"

#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

using NameSet = std::unordered_set<std::string>;

class CaptureCollector {
 public:
  void visit_graph(const onnx::GraphProto& graph, int depth) {
    if (depth > kMaxSubgraphDepth) {
      throw Error(ErrorKind::kModel,
                  "subgraphs are nested deeper than " + std::to_string(kMaxSubgraphDepth) + " levels");
    }
    NameSet& defined = scopes_.emplace_back();
    for (const auto& input : graph.input()) defined.insert(input.name());
    for (const auto& constant : graph.initializer()) defined.insert(constant.name());
    for (const auto& constant : graph.sparse_initializer()) defined.insert(constant.values().name());
    for (const auto& node : graph.node()) defined.insert(node.output().begin(), node.output().end());
    for (const auto& node : graph.node()) {
      for (const auto& name : node.input()) use(name);
      visit_node(node, depth);
    }
    for (const auto& output : graph.output()) use(output.name());
    scopes_.pop_back();
  }

  void visit_node(const onnx::NodeProto& node, int depth) {
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) visit_graph(attribute.g(), depth + 1);
      for (const auto& graph : attribute.graphs()) visit_graph(graph, depth + 1);
    }
  }

  std::vector<std::string> names;

 private:
  void use(const std::string& name) {
    if (name.empty()) return;
    for (const NameSet& scope : scopes_) {
      if (scope.count(name) != 0) return;
    }
    if (seen_.insert(name).second) names.push_back(name);
  }

  std::vector<NameSet> scopes_;
  NameSet seen_;
};

// For each node how many of its operands are yet to be computed, and who waits for each node.
struct Waiting {
  std::vector<int> missing;
  std::vector<std::vector<int>> readers;
};

Waiting dependencies(const NodeList& nodes) {
  std::unordered_map<std::string, int> producer;
  for (int i = 0; i < nodes.size(); ++i) {
    for (const auto& name : nodes[i].output()) {
      if (!name.empty()) producer.emplace(name, i);
    }
  }
  Waiting waiting{std::vector<int>(static_cast<size_t>(nodes.size())),
                  std::vector<std::vector<int>>(static_cast<size_t>(nodes.size()))};
  for (int i = 0; i < nodes.size(); ++i) {
    const auto depend = [&](const std::string& name) {
      const auto found = producer.find(name);
      if (found == producer.end()) return;
      waiting.readers[static_cast<size_t>(found->second)].push_back(i);
      ++waiting.missing[static_cast<size_t>(i)];
    };
    for (const auto& name : nodes[i].input()) depend(name);
    for (const auto& name : captured_names(nodes[i])) depend(name);
  }
  return waiting;
}

// Some nodes wait for ever: those behind a cycle too. Walking from any of them to a producer it waits for, again and
// again, ends on the cycle.
[[noreturn]] void fail_cycle(const NodeList& nodes, const Waiting& waiting) {
  std::vector<int> waits_for(waiting.missing.size(), -1);
  int at = -1;
  for (size_t i = 0; i < waiting.missing.size(); ++i) {
    if (waiting.missing[i] == 0) continue;
    at = static_cast<int>(i);
    for (const int reader : waiting.readers[i]) waits_for[static_cast<size_t>(reader)] = at;
  }
  for (size_t step = 0; step < waiting.missing.size(); ++step) at = waits_for[static_cast<size_t>(at)];
  throw Error(ErrorKind::kModel, describe(nodes[at], at) + " is part of a cycle: it needs its own output",
              "a model must be a graph without cycles; export it again");
}

}  // namespace

std::string describe(const onnx::NodeProto& node, int idx) {
  std::string text = "node ";
  if (!node.name().empty()) text += "'" + node.name() + "' ";
  return text + "(" + (node.domain().empty() ? "" : node.domain() + ".") + node.op_type() + ", #" +
         std::to_string(idx) + ")";
}

std::vector<std::string> captured_names(const onnx::NodeProto& node) {
  CaptureCollector collector;
  collector.visit_node(node, 0);
  return std::move(collector.names);
}

std::vector<int> execution_order(const NodeList& nodes) {
  Waiting waiting = dependencies(nodes);
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < nodes.size(); ++i) {
    if (waiting.missing[static_cast<size_t>(i)] == 0) ready.push(i);
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int idx = ready.top();
    ready.pop();
    order.push_back(idx);
    for (const int reader : waiting.readers[static_cast<size_t>(idx)]) {
      if (--waiting.missing[static_cast<size_t>(reader)] == 0) ready.push(reader);
    }
  }
  if (order.size() != waiting.missing.size()) fail_cycle(nodes, waiting);
  return order;
}

}  // namespace tinyc
