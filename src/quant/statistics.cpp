#include "tinyc/quant/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "tinyc/base/error.h"
#include "tinyc/base/file.h"

namespace tinyc {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "tinyc-statistics";
constexpr uint64_t kVersion = 1;
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30U;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, "not usable as statistics: " + what, "write them anew with tinyc calibrate");
}

const Json& member(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) fail("key '" + std::string(key) + "' is missing");
  return *found;
}

uint64_t natural(const Json& value, const char* key) {
  if (!value.is_number_unsigned()) fail("'" + std::string(key) + "' is not a natural number");
  return value.get<uint64_t>();
}

std::string text(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_string()) fail("'" + std::string(key) + "' is not a string");
  return value.get<std::string>();
}

ValueRange range_from(const Json& value, const char* key) {
  const bool is_pair = value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
  if (!is_pair) fail("'" + std::string(key) + "' is not a pair of numbers");
  const ValueRange range{value[0].get<float>(), value[1].get<float>()};
  if (!std::isfinite(range.low) || !std::isfinite(range.high)) fail("'" + std::string(key) + "' is not finite");
  return range;
}

Json json_of(ValueRange range) {
  return Json::array({range.low, range.high});
}

Json json_of(const ValueStatistics& statistics) {
  const Histogram& histogram = statistics.histogram;
  Json json;
  json["range"] = json_of(ValueRange{histogram.min(), histogram.max()});
  json["zeros"] = histogram.zeros();
  json["infinite"] = histogram.infinite();
  json["nan"] = histogram.nan();
  json["exponent"] = histogram.exponent();
  json["counts"] = histogram.counts();
  json["recent"] = Json::array();
  for (const ValueRange& sample : statistics.recent) json["recent"].push_back(json_of(sample));
  return json;
}

ValueStatistics value_from(const Json& json) {
  if (!json.is_object()) fail("it is not an object");
  Histogram::Parts parts;
  parts.range = range_from(member(json, "range"), "range");
  parts.zeros = natural(member(json, "zeros"), "zeros");
  parts.infinite = natural(member(json, "infinite"), "infinite");
  parts.nan = natural(member(json, "nan"), "nan");
  const Json& exponent = member(json, "exponent");
  if (!exponent.is_number_integer()) fail("'exponent' is not an integer");
  parts.exponent = static_cast<int>(std::clamp<int64_t>(exponent.get<int64_t>(), -1000, 1000));
  const Json& counts = member(json, "counts");
  if (!counts.is_array()) fail("'counts' is not a list");
  for (const Json& count : counts) parts.counts.push_back(natural(count, "counts"));
  ValueStatistics statistics;
  statistics.histogram = Histogram::from_parts(std::move(parts));
  const Json& recent = member(json, "recent");
  if (!recent.is_array() || recent.size() > ValueStatistics::kRecentSamples) fail("'recent' is not a list of ranges");
  for (const Json& sample : recent) statistics.recent.push_back(range_from(sample, "recent"));
  return statistics;
}

void check_mergeable(const Statistics& first, const Statistics& second) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kUsage, "statistics cannot be merged: " + what,
                "calibrate the same model file with the same data options");
  };
  if (first.model != second.model) refuse("they are of different models");
  if (first.preprocess != second.preprocess) {
    refuse("their data were prepared as '" + first.preprocess + "' and as '" + second.preprocess + "'");
  }
  if (first.synthetic != second.synthetic) refuse("one is of real, the other of generated inputs");
  for (const auto& [name, value] : first.values) {
    if (second.find(name) == nullptr) refuse("only the first has value '" + name + "'");
  }
  for (const auto& [name, value] : second.values) {
    if (first.find(name) == nullptr) refuse("only the second has value '" + name + "'");
  }
}

void append(ValueStatistics& first, const ValueStatistics& second) {
  first.histogram.merge(second.histogram);
  first.recent.insert(first.recent.end(), second.recent.begin(), second.recent.end());
  if (first.recent.size() > ValueStatistics::kRecentSamples) {
    const size_t surplus = first.recent.size() - ValueStatistics::kRecentSamples;
    first.recent.erase(first.recent.begin(), first.recent.begin() + static_cast<std::ptrdiff_t>(surplus));
  }
}

}  // namespace

const ValueStatistics* Statistics::find(std::string_view value) const {
  const auto found = values.find(value);
  return found == values.end() ? nullptr : &found->second;
}

Statistics merge(const Statistics& first, const Statistics& second) {
  check_mergeable(first, second);
  Statistics merged = first;
  merged.samples += second.samples;
  merged.data += second.data;
  for (auto& [name, value] : merged.values) append(value, *second.find(name));
  return merged;
}

void write_json(const Statistics& statistics, const std::function<void(std::string_view)>& write) {
  Json head;
  head["format"] = kFormat;
  head["version"] = kVersion;
  head["model"] = statistics.model;
  head["preprocess"] = statistics.preprocess;
  head["synthetic"] = statistics.synthetic;
  head["samples"] = statistics.samples;
  head["data"] = statistics.data.hex();
  write("{\n");
  for (const auto& [key, value] : head.items()) write(Json(key).dump() + ": " + value.dump() + ",\n");
  write("\"values\": {");
  const char* separator = "\n";
  for (const auto& [name, value] : statistics.values) {
    write(separator + Json(name).dump() + ": " + json_of(value).dump());
    separator = ",\n";
  }
  write("\n}\n}\n");
}

std::string to_json(const Statistics& statistics) {
  std::string json;
  write_json(statistics, [&](std::string_view piece) { json += piece; });
  return json;
}

Statistics statistics_from_json(std::string_view json_text) {
  const Json json = Json::parse(json_text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) fail("it is not JSON");
  if (text(json, "format") != kFormat) fail("'format' is not '" + std::string(kFormat) + "'");
  if (natural(member(json, "version"), "version") != kVersion) fail("it has another version");
  Statistics statistics;
  statistics.model = text(json, "model");
  statistics.preprocess = text(json, "preprocess");
  const Json& synthetic = member(json, "synthetic");
  if (!synthetic.is_boolean()) fail("'synthetic' is not true or false");
  statistics.synthetic = synthetic.get<bool>();
  statistics.samples = natural(member(json, "samples"), "samples");
  const std::optional<Digest> data = Digest::from_hex(text(json, "data"));
  if (!data) fail("'data' is not a hash");
  statistics.data = *data;
  const Json& values = member(json, "values");
  if (!values.is_object()) fail("'values' is not an object");
  for (const auto& [name, value] : values.items()) {
    const Json& of_name = value;
    with_context([&name = name] { return "value '" + name + "'"; },
                 [&, &name = name] { statistics.values.emplace(name, value_from(of_name)); });
  }
  return statistics;
}

void write_statistics(const std::filesystem::path& path, const Statistics& statistics) {
  AtomicFile file(path);
  write_json(statistics, [&](std::string_view piece) { file.write(piece); });
  file.commit();
}

Statistics read_statistics(const std::filesystem::path& path) {
  const std::string json = read_file(path, kMaxFileBytes);
  return with_context([&] { return path.string(); }, [&] { return statistics_from_json(json); });
}

}  // namespace tinyc
