// codebook: indices of 0 to 8 bits into a table of levels, or of vectors of levels; rt/codebook_s8.h says how.
//
// Nobody tells how weights were quantized: levels that take few values, and vectors that come in few combinations, are
// found by counting. Tried are vectors of every length that divides a row, of neighbours or as far apart as a row has
// vectors, for all rows together and for groups of them; the shortest stream is kept. A vector of more than one level
// with more than 256 combinations is given up at the 257th, so weights that are no such vectors cost little.
#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <unordered_map>

#include "coding/decode_rows.h"

namespace tinyc {
namespace {

constexpr int64_t kLongest = 64;
constexpr int64_t kMostEntries = 256;
constexpr int64_t kHeaderBytes = 10;
constexpr int kMostHalvings = 3;  // of the rows that share vectors

struct Form {
  int64_t length = 1;   // of an entry
  bool apart = false;   // its levels are
  int64_t group = 1;    // rows
  int64_t indices = 0;  // of a row
};

// The entries of one group in the order of their first use, and the index of each vector.
struct Group {
  std::vector<int8_t> entries;
  std::vector<uint8_t> indices;
  int64_t count = 0;
};

// Which entry a vector is.
class Dictionary {
 public:
  explicit Dictionary(int64_t length) : length_(static_cast<size_t>(length)) { levels_.fill(-1); }

  // The vector's index, `next` where it was not there before.
  int64_t find(const int8_t* vector, int64_t next) {
    if (length_ > 1) {
      return vectors_.try_emplace(std::string(reinterpret_cast<const char*>(vector), length_), next).first->second;
    }
    int64_t& index = levels_[static_cast<uint8_t>(*vector)];
    if (index < 0) index = next;
    return index;
  }

 private:
  size_t length_;
  std::array<int64_t, 256> levels_{};
  std::unordered_map<std::string, int64_t> vectors_;
};

// Nothing where there are too many entries.
std::optional<Group> make_group(const LevelMatrix& matrix, const Form& form, int64_t first) {
  Group group;
  Dictionary dictionary(form.length);
  std::array<int8_t, kLongest> vector{};
  const int64_t step = form.apart ? form.indices : 1;
  for (int64_t r = first; r < std::min(first + form.group, matrix.rows); ++r) {
    for (int64_t i = 0; i < form.indices; ++i) {
      const int64_t from = r * matrix.columns + (form.apart ? i : i * form.length);
      for (int64_t k = 0; k < form.length; ++k) {
        vector[static_cast<size_t>(k)] = matrix.levels[static_cast<size_t>(from + k * step)];
      }
      const int64_t index = dictionary.find(vector.data(), group.count);
      if (index == kMostEntries) return {};
      if (index == group.count) {
        ++group.count;
        group.entries.insert(group.entries.end(), vector.begin(), vector.begin() + form.length);
      }
      group.indices.push_back(static_cast<uint8_t>(index));
    }
  }
  return group;
}

// Those of one level are as many as there are indices.
void fill_up(const Form& form, int width, Group& group) {
  group.count = std::max<int64_t>(group.count, form.length == 1 ? int64_t{1} << width : 1);
  group.entries.resize(static_cast<size_t>(group.count * form.length), group.entries.empty() ? 0 : group.entries[0]);
}

void put_number(int64_t number, std::vector<uint8_t>& to) {
  for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<uint8_t>(number >> shift));
}

void put_row(std::span<const uint8_t> indices, int width, std::vector<uint8_t>& to) {
  uint32_t window = 0;
  int count = 0;
  for (const uint8_t index : indices) {
    window |= uint32_t{index} << count;
    for (count += width; count >= 8; count -= 8, window >>= 8) to.push_back(static_cast<uint8_t>(window));
  }
  if (count > 0) to.push_back(static_cast<uint8_t>(window));
}

// Nothing where a group has too many entries.
std::optional<CodedLevels> encode_as(const LevelMatrix& matrix, const Form& form) {
  std::vector<Group> groups;
  int64_t most = 1;
  for (int64_t r = 0; r < matrix.rows; r += form.group) {
    auto group = make_group(matrix, form, r);
    if (!group) return {};
    most = std::max(most, group->count);
    groups.push_back(std::move(*group));
  }
  const int width = std::bit_width(static_cast<uint64_t>(most - 1));
  CodedLevels coded{
      .stream = {static_cast<uint8_t>(width + (form.apart ? TC_ENTRIES_APART : 0)), static_cast<uint8_t>(form.length)},
      .parts = {.tables = kHeaderBytes}};
  put_number(form.indices, coded.stream);
  put_number(form.group, coded.stream);
  for (Group& group : groups) {
    fill_up(form, width, group);
    if (form.length > 1) coded.stream.push_back(static_cast<uint8_t>(group.count - 1));
    coded.parts.tables += form.length > 1 ? 1 : 0;
    coded.parts.codebook += static_cast<int64_t>(group.entries.size());
    coded.stream.insert(coded.stream.end(), group.entries.begin(), group.entries.end());
    const std::span<const uint8_t> indices = group.indices;
    for (size_t at = 0; at < indices.size(); at += static_cast<size_t>(form.indices)) {
      put_row(indices.subspan(at, static_cast<size_t>(form.indices)), width, coded.stream);
    }
  }
  if (form.length > 1 || width == 2 || width == 4) coded.entries = matrix.rows * matrix.columns;
  coded.parts.indices = static_cast<int64_t>(coded.stream.size()) - coded.parts.tables - coded.parts.codebook;
  return coded;
}

// Groups of rows to try with vectors of a length, largest first.
std::vector<int64_t> group_sizes(int64_t rows, int64_t length) {
  std::vector<int64_t> sizes = {std::max<int64_t>(1, rows)};
  for (int halvings = 0; sizes.back() > 1 && (length == 1 || halvings < kMostHalvings); ++halvings) {
    sizes.push_back((sizes.back() + 1) / 2);
  }
  return sizes;
}

CodedLevels encode(const LevelMatrix& matrix) {
  std::optional<CodedLevels> best;
  const auto consider = [&](const Form& form) {
    std::optional<CodedLevels> coded = encode_as(matrix, form);
    if (coded && (!best || coded->stream.size() < best->stream.size())) best = std::move(coded);
  };
  for (int64_t length = 1; length <= std::clamp<int64_t>(matrix.columns, 1, kLongest); ++length) {
    if (matrix.columns % length != 0) continue;
    for (const bool apart : {false, true}) {
      if (apart && (length == 1 || length == matrix.columns)) continue;
      for (const int64_t group : group_sizes(matrix.rows, length)) {
        consider({length, apart, group, matrix.columns / length});
      }
    }
  }
  return std::move(*best);
}

std::optional<std::vector<int8_t>> decode(std::span<const uint8_t> stream, int64_t rows, int64_t columns) {
  tc_codebook state;
  return decode_rows(stream, rows, columns, state, tc_codebook_open, tc_codebook_close);
}

}  // namespace

extern constinit const CoderDef k_coder_codebook{
    .name = "codebook",
    .summary = "indices into a table of values or of vectors: fast to decode, for weights that take few of them",
    .encode = encode,
    .decode = decode,
};

}  // namespace tinyc
