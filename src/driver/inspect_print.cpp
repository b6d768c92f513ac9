// A model's summary as JSON and as text.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tinyc/base/text.h"
#include "tinyc/driver/inspect.h"

namespace tinyc {
namespace {

using Json = nlohmann::ordered_json;

Json types_json(const std::vector<std::pair<std::string, std::string>>& types) {
  Json list = Json::array();
  for (const auto& [name, type] : types) list.push_back({{"name", name}, {"type", type}});
  return list;
}

std::string types_text(const char* title, const std::vector<std::pair<std::string, std::string>>& types) {
  std::string text;
  for (const auto& [name, type] : types) text += fmt::format("{:<22} {} {}\n", title, name, type);
  return text;
}

std::string layer_table(const ModelSummary& summary) {
  using Align = TextTable::Align;
  TextTable table({{"layer"},
                   {"op"},
                   {"output"},
                   {"macs", Align::kRight},
                   {"params", Align::kRight},
                   {"weight_bytes", Align::kRight},
                   {"live_bytes", Align::kRight}});
  for (const LayerSummary& layer : summary.layers) {
    table.add_row({layer.name, layer.op, layer.output, std::to_string(layer.macs), std::to_string(layer.params),
                   std::to_string(layer.weight_bytes), std::to_string(layer.live_bytes)});
  }
  return table.str();
}

}  // namespace

Json to_json(const ModelSummary& summary, bool layers) {
  Json json;
  json["name"] = summary.name;
  json["inputs"] = types_json(summary.inputs);
  json["outputs"] = types_json(summary.outputs);
  json["open_dims"] = summary.open_dims;
  json["open_dim_size"] = summary.open_dim_size;
  json["params"] = summary.params;
  json["macs"] = summary.macs;
  json["weight_bytes"] = summary.weight_bytes;
  json["peak_activation_bytes"] = summary.peak_activation_bytes;
  json["peak_layer"] = summary.peak_layer;
  json["unsized_values"] = summary.unsized_values;
  json["ops"] = Json::object();
  for (const auto& [op, count] : summary.ops) json["ops"][op] = count;
  json["stays_float"] = Json::array();
  for (const FloatNode& node : summary.float_nodes) {
    json["stays_float"].push_back({{"layer", node.node}, {"op", node.op}, {"reason", node.reason}});
  }
  if (!layers) return json;
  json["layers"] = Json::array();
  for (const LayerSummary& layer : summary.layers) {
    json["layers"].push_back({{"layer", layer.name},
                              {"op", layer.op},
                              {"output", layer.output},
                              {"macs", layer.macs},
                              {"params", layer.params},
                              {"weight_bytes", layer.weight_bytes},
                              {"live_bytes", layer.live_bytes}});
  }
  return json;
}

std::string to_text(const ModelSummary& summary, bool layers) {
  std::string text = fmt::format("{:<22} {}\n", "model", summary.name);
  text += types_text("input", summary.inputs) + types_text("output", summary.outputs);
  text += fmt::format("{:<22} {}\n", "params", summary.params);
  text += fmt::format("{:<22} {}\n", "macs", format_count(static_cast<uint64_t>(summary.macs)));
  text += fmt::format("{:<22} {}\n", "weight_bytes", format_bytes(static_cast<uint64_t>(summary.weight_bytes)));
  text += fmt::format("{:<22} {}, at {}\n", "peak_activation_bytes",
                      format_bytes(static_cast<uint64_t>(summary.peak_activation_bytes)), summary.peak_layer);
  if (!summary.open_dims.empty()) {
    text += fmt::format("{:<22} {}\n",
                        summary.open_dim_size == 1 ? std::string("open dims taken as 1")
                                                   : fmt::format("open dims taken as 1, {}", summary.open_dim_size),
                        join(summary.open_dims, ", "));
  }
  if (summary.unsized_values > 0) {
    text += fmt::format("{:<22} {} (not in peak_activation_bytes)\n", "values of unknown size", summary.unsized_values);
  }
  text += "\nops\n";
  for (const auto& [op, count] : summary.ops) text += fmt::format("  {:<20} {}\n", op, count);
  text += "\nwould stay in float\n";
  for (const FloatNode& node : summary.float_nodes) {
    text += fmt::format("  {} ({}): {}\n", node.node, node.op, node.reason);
  }
  if (summary.float_nodes.empty()) text += "  nothing\n";
  if (layers) text += "\n" + layer_table(summary);
  return text;
}

}  // namespace tinyc
