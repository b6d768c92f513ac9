#include "tinyc/base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <utility>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

// Damerau-Levenshtein distance (optimal string alignment), O(n*m), three rows.
size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

template <typename Part>
std::string join_parts(std::span<const Part> parts, std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

// Three significant digits and the largest unit that leaves at least 1.
std::string scaled(uint64_t number, double step, std::span<const char* const> units) {
  auto value = static_cast<double>(number);
  size_t unit = 0;
  while (value >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  if (unit == 0) return std::to_string(number) + units[0];
  std::array<char, 32> buffer{};
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::snprintf(buffer.data(), buffer.size(), "%.*f%s", decimals, value, units[unit]);
  return buffer.data();
}

size_t display_width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::optional<std::string_view> closest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr size_t kMaxWord = 100;
  if (word.size() > kMaxWord) return std::nullopt;
  std::optional<std::string_view> best;
  size_t best_distance = std::min<size_t>(3, (word.size() + 2) / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string spelling_hint(std::string_view word, std::span<const std::string_view> candidates) {
  if (const auto best = closest(word, candidates)) return "did you mean '" + std::string(*best) + "'?";
  if (candidates.empty()) return {};
  constexpr size_t kShown = 12;
  const std::string list = join(candidates.first(std::min(candidates.size(), kShown)), ", ");
  return "known are: " + list + (candidates.size() > kShown ? ", ..." : "");
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  return join_parts(parts, separator);
}

std::string join(std::span<const std::string_view> parts, std::string_view separator) {
  return join_parts(parts, separator);
}

std::string format_bytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  return scaled(bytes, 1024.0, kUnits);
}

std::string format_count(uint64_t count) {
  constexpr const char* kUnits[] = {"", " k", " M", " G", " T"};
  return scaled(count, 1000.0, kUnits);
}

void TextTable::add_row(std::vector<std::string> cells) {
  TINYC_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::str() const {
  std::vector<size_t> widths;
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = display_width(titles[c]);
    for (const auto& row : rows_) width = std::max(width, display_width(row[c]));
    widths.push_back(width);
  }
  std::string text;
  const auto print = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t c = 0; c < cells.size(); ++c) {
      const std::string fill(widths[c] - display_width(cells[c]), ' ');
      if (c > 0) line += "  ";
      line += columns_[c].align == Align::kRight ? fill + cells[c] : cells[c] + fill;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  print(titles);
  for (const auto& row : rows_) print(row);
  return text;
}

}  // namespace tinyc
