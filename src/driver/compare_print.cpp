// A comparison as JSON and as text.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tinyc/base/text.h"
#include "tinyc/driver/measure.h"

namespace tinyc {
namespace {

using Json = nlohmann::ordered_json;

Json errors_json(const std::vector<ValueError>& values) {
  Json list = Json::array();
  for (const ValueError& value : values) {
    list.push_back({{"name", value.name},
                    {"sqnr_db", value.error.sqnr_db()},
                    {"cosine", value.error.cosine()},
                    {"max_abs_error", value.error.max_error}});
  }
  return list;
}

std::string errors_text(const char* title, const std::vector<ValueError>& values) {
  using Align = TextTable::Align;
  TextTable table({{title}, {"sqnr_db", Align::kRight}, {"cosine", Align::kRight}, {"max_abs_error", Align::kRight}});
  for (const ValueError& value : values) {
    table.add_row({value.name, fmt::format("{:.2f}", value.error.sqnr_db()),
                   fmt::format("{:.6f}", value.error.cosine()), fmt::format("{:.4g}", value.error.max_error)});
  }
  return table.str();
}

}  // namespace

Json to_json(const Comparison& comparison, bool layers) {
  Json json = {{"samples", comparison.samples}, {"outputs", errors_json(comparison.outputs)}};
  if (comparison.top1_agreement) json["top1_agreement"] = *comparison.top1_agreement;
  if (comparison.top1_reference) json["top1_reference"] = *comparison.top1_reference;
  if (comparison.top1) json["top1"] = *comparison.top1;
  if (layers) json["layers"] = errors_json(comparison.layers);
  json["seconds"] = comparison.seconds;
  return json;
}

std::string to_text(const Comparison& comparison, bool layers) {
  std::string text = errors_text("output", comparison.outputs);
  if (layers) text += "\n" + errors_text("layer", comparison.layers);
  text += fmt::format("\nsamples         {}\n", comparison.samples);
  if (comparison.top1_agreement) text += fmt::format("top1_agreement  {:.2f} %\n", *comparison.top1_agreement);
  if (comparison.top1 && comparison.top1_reference) {
    text += fmt::format("top1            {:.2f} %, of the reference {:.2f} %\n", *comparison.top1,
                        *comparison.top1_reference);
  }
  return text;
}

}  // namespace tinyc
