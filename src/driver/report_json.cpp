// A report as JSON.
#include <nlohmann/json.hpp>

#include "tinyc/driver/report.h"

namespace tinyc {
namespace {

using Json = nlohmann::ordered_json;

void put_errors(Json& json, const ErrorSums& error) {
  json["sqnr_db"] = error.sqnr_db();
  json["cosine"] = error.cosine();
  json["max_abs_error"] = error.max_error;
}

Json layers_json(const Report& report) {
  Json list = Json::array();
  for (const LayerReport& layer : report.layers) {
    Json json = {{"layer", layer.name},
                 {"op", layer.op},
                 {"output", layer.output},
                 {"macs", layer.macs},
                 {"weight_bytes_before", layer.float_bytes},
                 {"weight_bytes", layer.weight_bytes},
                 {"weight_bits", layer.weight_bits},
                 {"weights", layer.weights},
                 {"zeros", layer.zeros}};
    if (layer.error) put_errors(json, *layer.error);
    if (!layer.float_reason.empty()) json["float_reason"] = layer.float_reason;
    list.push_back(std::move(json));
  }
  return list;
}

Json storage_json(const Report& report) {
  Json list = Json::array();
  for (const StoredLayer& layer : report.storage) {
    list.push_back({{"layer", layer.name},
                    {"coding", layer.coding},
                    {"weights", layer.weights},
                    {"zeros", layer.zeros},
                    {"levels", layer.levels},
                    {"float32_bytes", 4 * layer.weights},
                    {"int8_bytes", layer.weights},
                    {"entropy_bytes", layer.entropy_bytes},
                    {"bytes", layer.parts.total()},
                    {"values", layer.parts.values},
                    {"codebook", layer.parts.codebook},
                    {"indices", layer.parts.indices},
                    {"gaps", layer.parts.gaps},
                    {"tables", layer.parts.tables}});
  }
  return list;
}

void put_totals(Json& json, const Report& report) {
  json["params"] = report.params;
  json["macs_before"] = report.macs_before;
  json["macs"] = report.macs_after;
  json["bytes_before"] = report.bytes_before;
  json["bytes_after"] = report.bytes_after;
  json["weight_bytes_before"] = report.weight_bytes_before;
  json["weight_bytes"] = report.weight_bytes_after;
  json["samples"] = report.samples;
  if (report.top1_float) json["top1_float"] = *report.top1_float;
  if (report.top1) json["top1"] = *report.top1;
  if (report.top1_agreement) json["top1_agreement"] = *report.top1_agreement;
  if (report.engine_agreement) json["engine_agreement"] = *report.engine_agreement;
  json["outputs"] = Json::array();
  for (const OutputReport& output : report.outputs) {
    Json entry = {{"name", output.name}};
    put_errors(entry, output.error);
    if (!output.device_steps.empty()) entry["device_steps"] = output.device_steps;
    json["outputs"].push_back(std::move(entry));
  }
}

void put_details(Json& json, const Report& report) {
  json["stays_float"] = Json::array();
  for (const FloatNode& node : report.float_nodes) {
    json["stays_float"].push_back({{"layer", node.node}, {"op", node.op}, {"reason", node.reason}});
  }
  json["notes"] = Json::array();
  for (const PassNote& note : report.notes) {
    json["notes"].push_back({{"pass", note.pass}, {"subject", note.subject}, {"text", note.text}});
  }
  json["counters"] = report.counters;
  json["passes"] = Json::array();
  for (const PassTiming& pass : report.passes) {
    json["passes"].push_back({{"pass", pass.pass}, {"changed", pass.changed}, {"seconds", pass.seconds}});
  }
  json["gates"] = Json::array();
  for (const GateReport& gate : report.gates) {
    Json entry = {{"gate", gate.gate}, {"limit", gate.limit}, {"value", gate.value}, {"passed", gate.passed}};
    if (!gate.most.empty()) entry["most"] = gate.most;
    json["gates"].push_back(std::move(entry));
  }
}

Json fit_json(const Report& report) {
  const FitResult& fit = *report.fit;
  Json json = {{"bytes", fit.bytes}, {"trials", fit.trials}};
  if (fit.predicted) {
    json["predicted_bytes"] = fit.predicted->bytes;
    json["predicted_sqnr_db"] = fit.predicted->sqnr_db;
  }
  if (fit.share) json["share"] = *fit.share;
  if (fit.settings.weight_noise > 0) json["weight_noise"] = fit.settings.weight_noise;
  json["layer_bits"] = Json::object();
  for (const auto& [layer, bits] : fit.settings.layer_bits) json["layer_bits"][layer] = bits;
  return json;
}

}  // namespace

Json to_json(const Report& report) {
  Json json;
  json["tinyc"] = TINYC_VERSION;
  json["model"] = report.model;
  json["output"] = report.output;
  json["emitter"] = report.emitter;
  json["recipe_hash"] = report.recipe_hash;
  json["output_hash"] = report.output_hash;
  json["data"] = report.data;
  json["data_hash"] = report.data_hash;
  json["preprocess"] = report.preprocess;
  json["calibration_samples"] = report.calibration_samples;
  put_totals(json, report);
  if (report.fit) json["fit"] = fit_json(report);
  if (report.device) json["device"] = to_json(*report.device, true);
  if (report.device_int8) json["device_int8"] = to_json(*report.device_int8, true);
  json["warnings"] = report.warnings;
  put_details(json, report);
  json["layers"] = layers_json(report);
  if (!report.storage.empty()) json["storage"] = storage_json(report);
  json["seconds"] = report.seconds;
  json["peak_memory_bytes"] = report.peak_memory_bytes;
  return json;
}

}  // namespace tinyc
