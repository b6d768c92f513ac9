// The cost of a model on a core as JSON and as text.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tinyc/base/text.h"
#include "tinyc/driver/targets.h"

namespace tinyc {

nlohmann::ordered_json to_json(const DeviceCost& cost, bool layers) {
  nlohmann::ordered_json json = {{"target", cost.target},
                                 {"arena_bytes", cost.arena_bytes},
                                 {"constant_bytes", cost.constant_bytes},
                                 {"predicted_code_bytes", cost.code_bytes},
                                 {"predicted_flash_bytes", cost.flash_bytes()},
                                 {"predicted_instructions", cost.instructions}};
  if (!layers) return json;
  json["layers"] = nlohmann::ordered_json::array();
  for (const LayerCost& layer : cost.layers) {
    nlohmann::ordered_json& entry = json["layers"].emplace_back();
    entry = {{"layer", layer.layer},
             {"kernel", layer.kernel},
             {"macs", layer.macs},
             {"input_bytes", layer.input_bytes},
             {"output_bytes", layer.output_bytes},
             {"constant_bytes", layer.constant_bytes},
             {"ram_bytes", layer.ram_bytes},
             {"predicted_instructions", layer.instructions}};
    if (layer.coding.empty()) continue;
    entry["weights"] = {{"coding", layer.coding},
                        {"values", layer.parts.values},
                        {"codebook", layer.parts.codebook},
                        {"indices", layer.parts.indices},
                        {"gaps", layer.parts.gaps},
                        {"tables", layer.parts.tables},
                        {"entropy_bytes", layer.entropy_bytes}};
  }
  return json;
}

std::string to_text(const DeviceCost& cost, bool layers) {
  const auto bytes = [](int64_t count) { return format_bytes(static_cast<uint64_t>(count)); };
  std::string text = fmt::format("\non {}, as C\n", cost.target);
  text += fmt::format("  {:<20} {}\n", "arena", bytes(cost.arena_bytes));
  text += fmt::format("  {:<20} {}\n", "constants", bytes(cost.constant_bytes));
  text += fmt::format("  {:<20} {} (predicted)\n", "code", bytes(cost.code_bytes));
  text += fmt::format("  {:<20} {} (predicted)\n", "flash", bytes(cost.flash_bytes()));
  text +=
      fmt::format("  {:<20} {} (predicted)\n", "instructions", format_count(static_cast<uint64_t>(cost.instructions)));
  if (!layers) return text;
  using Align = TextTable::Align;
  TextTable table({{"layer"},
                   {"kernel"},
                   {"macs", Align::kRight},
                   {"constants", Align::kRight},
                   {"ram", Align::kRight},
                   {"instructions", Align::kRight}});
  for (const LayerCost& layer : cost.layers) {
    if (layer.kernel.empty()) continue;
    table.add_row({layer.layer, layer.kernel, std::to_string(layer.macs), std::to_string(layer.constant_bytes),
                   std::to_string(layer.ram_bytes), std::to_string(layer.instructions)});
  }
  return text + "\n" + table.str();
}

}  // namespace tinyc
