#include "tinyc/quant/prune_spec.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr int64_t kLongest = 64;  // vector, and M of N:M
constexpr std::string_view kForms =
    "write 0.8, 2:4, kernels:0.5, rows:0.25, vectors:4:0.5, patterns:4; or, for --prune, channels:0.3, heads:0.25";

[[noreturn]] void fail(std::string_view text, const std::string& why) {
  throw Error(ErrorKind::kUsage, "pruning '" + std::string(text) + "': " + why, std::string(kForms));
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

double parse_share(std::string_view text, std::string_view all) {
  const auto share = number<double>(text);
  if (!share || !(*share > 0 && *share < 1)) fail(all, "'" + std::string(text) + "' is no share between 0 and 1");
  return *share;
}

}  // namespace

PruneSpec parse_prune_spec(std::string_view text) {
  PruneSpec spec;
  const size_t colon = text.find(':');
  const std::string_view first = text.substr(0, colon);
  if (colon == std::string_view::npos) {
    spec.share = parse_share(text, text);
    return spec;
  }
  std::string_view rest = text.substr(colon + 1);
  if (const auto kept = number<int64_t>(first)) {
    const auto of = number<int64_t>(rest);
    if (!of || *kept < 1 || *of <= *kept || *of > kLongest) {
      fail(text, "of M neighbours N stay, 0 < N < M <= " + std::to_string(kLongest));
    }
    spec.kept = *kept;
    spec.of = *of;
    spec.share = 1.0 - static_cast<double>(*kept) / static_cast<double>(*of);
    return spec;
  }
  if (first == "patterns") {
    const auto kept = number<int64_t>(rest);
    if (!kept || *kept < 1) fail(text, "of the taps of a kernel a number stays, such as 4");
    spec.unit = PruneUnit::kPattern;
    spec.kept = *kept;
    return spec;
  }
  if (first == "vectors") {
    const size_t next = std::min(rest.find(':'), rest.size());
    const auto length = number<int64_t>(rest.substr(0, next));
    if (!length || *length < 1 || *length > kLongest) {
      fail(text, "vectors have 1 to " + std::to_string(kLongest) + " weights");
    }
    spec.unit = PruneUnit::kVector;
    spec.vector = *length;
    rest = rest.substr(std::min(next + 1, rest.size()));
  } else if (first == "kernels") {
    spec.unit = PruneUnit::kKernel;
  } else if (first == "rows") {
    spec.unit = PruneUnit::kRow;
  } else if (first != "weights") {
    fail(text, "'" + std::string(first) + "' is not known");
  }
  spec.share = parse_share(rest, text);
  return spec;
}

PruneUnits prune_units(const PruneSpec& spec, const LinearForm& form, int64_t taps) {
  PruneUnits units;
  units.columns.resize(static_cast<size_t>(form.columns));
  std::iota(units.columns.begin(), units.columns.end(), 0);
  const auto tap_of = [&](int64_t column) { return form.column_offsets[static_cast<size_t>(column)] % taps; };
  const auto input_of = [&](int64_t column) { return form.column_offsets[static_cast<size_t>(column)] / taps; };
  const bool by_input = spec.unit == PruneUnit::kKernel || spec.unit == PruneUnit::kPattern;
  std::stable_sort(units.columns.begin(), units.columns.end(), [&](int64_t a, int64_t b) {
    const std::pair x = by_input ? std::pair(input_of(a), tap_of(a)) : std::pair(tap_of(a), input_of(a));
    return x < (by_input ? std::pair(input_of(b), tap_of(b)) : std::pair(tap_of(b), input_of(b)));
  });
  if (spec.unit == PruneUnit::kVector) units.size = std::min(spec.vector, form.columns);
  if (spec.unit == PruneUnit::kKernel) units.size = taps;
  if (spec.unit == PruneUnit::kRow) units.size = form.columns;
  units.columns.resize(static_cast<size_t>(units.count() * units.size));
  if (spec.of > 0) {
    units.of = spec.of;
    units.kept = spec.kept;
  }
  return units;
}

}  // namespace tinyc
