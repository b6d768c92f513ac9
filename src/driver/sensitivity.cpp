#include "tinyc/driver/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "tinyc/base/progress.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/calibration.h"
#include "tinyc/driver/inspect.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/variants.h"

namespace tinyc {
namespace {

// What the layer puts on a grid: its annotated operands and results. Where a clamp that reads the result alone carries
// the grid in its place, that clamp's.
std::set<ValueId> own_values(const Graph& graph, const Uses& uses, const Node& node) {
  std::set<ValueId> own;
  for (ValueId id : node.inputs) {
    if (id != kNoValue && graph[id].quant) own.insert(id);
  }
  for (ValueId id : node.outputs) {
    if (id == kNoValue) continue;
    const NodeId reader = graph[id].quant || !uses.has_single_reader(id) ? kNoNode : uses.consumers_of(id).front();
    const Node* clamp = reader == kNoNode ? nullptr : &graph[reader];
    const bool is_clamp = clamp != nullptr && clamp->op != nullptr && clamp->op->quant.kind == QuantKind::kClamp;
    const ValueId stored = is_clamp ? clamp->outputs.front() : id;
    if (graph[stored].quant) own.insert(stored);
  }
  return own;
}

bool has_weights(const Graph& graph, const Node& node) {
  return std::any_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return id != kNoValue && graph[id].constant && graph[id].quant; });
}

Graph keep_only(const Graph& graph, const std::set<ValueId>& own) {
  Graph alone = graph;
  for (size_t i = 0; i < alone.values.size(); ++i) {
    if (!own.contains(ValueId(i))) alone.values[i].quant.reset();
  }
  return alone;
}

}  // namespace

Sensitivity measure_sensitivity(const Graph& annotated, Dataset& data, int threads) {
  const auto start = std::chrono::steady_clock::now();
  const Uses uses(annotated);
  const Graph reference = keep_only(annotated, {});
  const std::vector<Sample> samples = hold_samples(data, samples_to_hold(reference));
  const auto wanted = run_samples(reference, Engine::kFloat, samples, threads);
  Progress progress("sensitivity", static_cast<int64_t>(annotated.nodes.size()));
  const auto errors =
      measure_variants(reference, Engine::kFloat, samples, wanted, threads, [&](size_t i) -> std::vector<Graph> {
        progress.advance();
        const Node& node = annotated.nodes[i];
        if (!has_weights(annotated, node)) return {};
        return {keep_only(annotated, own_values(annotated, uses, node))};
      });
  Sensitivity sensitivity;
  sensitivity.samples = static_cast<int64_t>(samples.size());
  const ModelSummary summary = summarize(reference);
  for (size_t i = 0; i < annotated.nodes.size(); ++i) {
    if (errors[i].empty()) continue;
    const Node& node = annotated.nodes[i];
    sensitivity.layers.push_back(
        {node.name, op_name(node), summary.layers[i].params, summary.layers[i].macs, errors[i].front()});
  }
  std::stable_sort(sensitivity.layers.begin(), sensitivity.layers.end(),
                   [](const auto& a, const auto& b) { return a.error.sqnr_db() < b.error.sqnr_db(); });
  sensitivity.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return sensitivity;
}

nlohmann::ordered_json to_json(const Sensitivity& sensitivity) {
  nlohmann::ordered_json json = {{"samples", sensitivity.samples}, {"layers", nlohmann::ordered_json::array()}};
  for (const LayerSensitivity& layer : sensitivity.layers) {
    json["layers"].push_back({{"layer", layer.layer},
                              {"op", layer.op},
                              {"params", layer.params},
                              {"macs", layer.macs},
                              {"sqnr_db", layer.error.sqnr_db()},
                              {"cosine", layer.error.cosine()},
                              {"max_abs_error", layer.error.max_error}});
  }
  json["seconds"] = sensitivity.seconds;
  return json;
}

std::string to_text(const Sensitivity& sensitivity) {
  using Align = TextTable::Align;
  TextTable table({{"layer"},
                   {"op"},
                   {"params", Align::kRight},
                   {"macs", Align::kRight},
                   {"sqnr_db", Align::kRight},
                   {"max_abs_error", Align::kRight}});
  for (const LayerSensitivity& layer : sensitivity.layers) {
    table.add_row({layer.layer, layer.op, std::to_string(layer.params), std::to_string(layer.macs),
                   fmt::format("{:.2f}", layer.error.sqnr_db()), fmt::format("{:.4g}", layer.error.max_error)});
  }
  return table.str() + fmt::format("\nsamples  {}\n", sensitivity.samples);
}

}  // namespace tinyc
