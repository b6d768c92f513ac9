#include "tinyc/quant/preprocess.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

constexpr std::string_view kKeys[] = {"layout", "resize", "crop", "scale", "mean", "std", "input"};
constexpr int64_t kMaxSide = 1 << 14;

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A number or a fraction.
std::optional<double> real(std::string_view text) {
  const size_t slash = text.find('/');
  const auto numerator = number<double>(text.substr(0, slash));
  const auto denominator = slash == std::string_view::npos ? 1.0 : number<double>(text.substr(slash + 1));
  if (!numerator || !denominator) return std::nullopt;
  const double value = *numerator / *denominator;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return parts;
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

[[noreturn]] void fail(std::string_view key, std::string_view value, const char* expected) {
  throw Error(ErrorKind::kUsage, std::string(key) + " '" + std::string(value) + "' is not " + expected);
}

std::vector<double> reals(std::string_view key, std::string_view value) {
  std::vector<double> numbers;
  for (const std::string_view part : split(value, ", ")) {
    const auto parsed = real(part);
    if (!parsed) fail(key, value, "a list of numbers");
    numbers.push_back(*parsed);
  }
  if (numbers.empty()) fail(key, value, "a list of numbers");
  return numbers;
}

std::vector<int64_t> sides(std::string_view key, std::string_view value) {
  std::vector<int64_t> numbers;
  for (const std::string_view part : split(value, "x")) {
    const auto side = number<int64_t>(part);
    if (!side || *side < 1 || *side > kMaxSide) fail(key, value, "a size in pixels such as 224 or 240x320");
    numbers.push_back(*side);
  }
  if (numbers.empty() || numbers.size() > 2) fail(key, value, "a size in pixels such as 224 or 240x320");
  return numbers;
}

std::string text_of(double value) {
  char buffer[32];
  return {buffer, std::to_chars(std::begin(buffer), std::end(buffer), value).ptr};
}

template <typename T, typename Text>
std::string list(const std::vector<T>& numbers, const char* separator, Text text) {
  std::vector<std::string> parts;
  for (const T value : numbers) parts.push_back(text(value));
  return join(std::span<const std::string>(parts), separator);
}

}  // namespace

void set_preprocess(Preprocess& preprocess, std::string_view key, std::string_view value) {
  if (key == "layout") {
    if (value != "nhwc" && value != "nchw") fail(key, value, "nchw or nhwc");
    preprocess.nhwc = value == "nhwc";
  } else if (key == "resize") {
    preprocess.resize = sides(key, value);
  } else if (key == "crop") {
    preprocess.crop = sides(key, value);
    if (preprocess.crop.size() == 1) preprocess.crop.push_back(preprocess.crop[0]);
  } else if (key == "scale") {
    const auto scale = real(value);
    if (!scale || *scale == 0.0) fail(key, value, "a number such as 0.5 or 1/255, not 0");
    preprocess.scale = *scale;
  } else if (key == "mean") {
    preprocess.mean = reals(key, value);
  } else if (key == "std") {
    preprocess.std = reals(key, value);
    if (std::count(preprocess.std.begin(), preprocess.std.end(), 0.0) > 0) fail(key, value, "free of zeros");
  } else if (key == "input") {
    preprocess.input = value;
  } else {
    throw Error(ErrorKind::kUsage, "unknown data option '" + std::string(key) + "'", spelling_hint(key, kKeys));
  }
}

std::vector<std::pair<std::string, std::string>> to_pairs(const Preprocess& preprocess) {
  const auto integer = [](int64_t value) { return std::to_string(value); };
  std::vector<std::pair<std::string, std::string>> pairs;
  if (preprocess.nhwc) pairs.emplace_back("layout", "nhwc");
  if (!preprocess.resize.empty()) pairs.emplace_back("resize", list(preprocess.resize, "x", integer));
  if (!preprocess.crop.empty()) pairs.emplace_back("crop", list(preprocess.crop, "x", integer));
  if (preprocess.scale != 1.0) pairs.emplace_back("scale", text_of(preprocess.scale));
  if (!preprocess.mean.empty()) pairs.emplace_back("mean", list(preprocess.mean, ",", text_of));
  if (!preprocess.std.empty()) pairs.emplace_back("std", list(preprocess.std, ",", text_of));
  if (!preprocess.input.empty()) pairs.emplace_back("input", preprocess.input);
  return pairs;
}

std::string to_string(const Preprocess& preprocess) {
  std::string text;
  for (const auto& [key, value] : to_pairs(preprocess)) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

}  // namespace tinyc
