#include "tinyc/quant/observer.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {

#define TINYC_OBSERVER(name) extern const ObserverDef k_observer_##name;
#include "observer_list.inc"
#undef TINYC_OBSERVER

namespace {

#define TINYC_OBSERVER(name) &k_observer_##name,
constexpr const ObserverDef* kObservers[] = {
#include "observer_list.inc"
};
#undef TINYC_OBSERVER

const ObserverDef& find(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ObserverDef* def : kObservers) {
    if (def->name == name) return *def;
    names.push_back(def->name);
  }
  throw Error(ErrorKind::kUsage, "unknown observer '" + std::string(name) + "'", spelling_hint(name, names));
}

std::string number(double value) {
  char buffer[32];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  return {buffer, end};
}

double parse_parameter(std::string_view text, const ObserverDef& def) {
  const std::string name(def.name);
  if (def.parameter.empty()) throw Error(ErrorKind::kUsage, "observer '" + name + "' takes no parameter");
  double value = 0.0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = code == std::errc() && end == text.data() + text.size();
  if (!is_number || !(value >= def.min_parameter && value <= def.max_parameter)) {
    throw Error(ErrorKind::kUsage,
                "observer '" + name + "': " + std::string(def.parameter) + " '" + std::string(text) +
                    "' is not a number from " + number(def.min_parameter) + " to " + number(def.max_parameter),
                "write " + name + ":" + number(def.default_parameter) + ", the default, or just " + name);
  }
  return value;
}

// Calls visit for each slice of `weights` along `axis`, its elements gathered.
template <typename Visit>
void for_each_slice(const Tensor& weights, int axis, Visit visit) {
  const std::span<const float> values = weights.data<float>();
  if (axis < 0) return visit(values);
  const std::span<const int64_t> dims(weights.dims());
  const auto along = static_cast<size_t>(axis);
  const auto count = static_cast<size_t>(dims[along]);
  const auto outer = static_cast<size_t>(element_count(dims.first(along)));
  const auto inner = static_cast<size_t>(element_count(dims.subspan(along + 1)));
  std::vector<float> slice(outer * inner);
  for (size_t c = 0; c < count; ++c) {
    for (size_t o = 0; o < outer; ++o) {
      const auto run = values.subspan((o * count + c) * inner, inner);
      std::copy(run.begin(), run.end(), slice.begin() + static_cast<std::ptrdiff_t>(o * inner));
    }
    visit(std::span<const float>(slice));
  }
}

}  // namespace

std::span<const ObserverDef* const> all_observers() {
  return kObservers;
}

Observer parse_observer(std::string_view text) {
  const size_t colon = text.find(':');
  const ObserverDef& def = find(text.substr(0, colon));
  if (colon == std::string_view::npos) return {&def, def.default_parameter};
  return {&def, parse_parameter(text.substr(colon + 1), def)};
}

ValueRange Observer::range(const ValueStatistics& statistics, int levels, bool symmetric) const {
  const Histogram& histogram = statistics.histogram;
  if (histogram.empty()) return {};
  const ValueRange chosen = def->choose(statistics, {levels, symmetric, parameter});
  const float low = std::clamp(chosen.low, std::min(histogram.min(), 0.0F), 0.0F);
  const float high = std::clamp(chosen.high, 0.0F, std::max(histogram.max(), 0.0F));
  if (!symmetric) return {low, high};
  const float reach = std::max(-low, high);
  return {-reach, reach};
}

std::vector<ValueRange> weight_ranges(const Tensor& weights, int axis, const Observer& observer, int levels,
                                      bool symmetric) {
  std::vector<ValueRange> ranges;
  for_each_slice(weights, axis, [&](std::span<const float> slice) {
    ValueStatistics statistics;
    statistics.histogram.add(slice);
    if (statistics.histogram.nan() + statistics.histogram.infinite() > 0) {
      throw Error(ErrorKind::kModel, "a weight is NaN or infinite",
                  "the model was not exported well: check its training");
    }
    ranges.push_back(observer.range(statistics, levels, symmetric));
  });
  return ranges;
}

}  // namespace tinyc
