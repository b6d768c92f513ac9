// Text for people: spelling hints, sizes, tables.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tinyc {

// The candidate that a misspelt word most likely meant: fewest edits (insert, delete, replace, swap neighbours; letter
// case counts as nothing), at most a third of its length and at most 3. The first one wins a tie.
std::optional<std::string_view> closest(std::string_view word, std::span<const std::string_view> candidates);
// "did you mean 'percentile'?", or when nothing is near "known are: minmax, ema, ..." (cut after a dozen).
std::string spelling_hint(std::string_view word, std::span<const std::string_view> candidates);

std::string join(std::span<const std::string> parts, std::string_view separator);
std::string join(std::span<const std::string_view> parts, std::string_view separator);

// "312 B", "14.2 KiB", "3.50 MiB".
std::string format_bytes(uint64_t bytes);
// "950", "2.66 M", "569 M": for MACs and parameters.
std::string format_count(uint64_t count);

// Lines of aligned columns, two blanks apart, no trailing blanks:
//   layer   sqnr_db
//   conv1      31.2
class TextTable {
 public:
  enum class Align : uint8_t { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as columns.
  void add_row(std::vector<std::string> cells);
  std::string str() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tinyc
