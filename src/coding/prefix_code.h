// Canonical Huffman codes: the encoder's side of rt/prefix_code.h, which says what their table looks like.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tinyc {

// Bits from the upper end of bytes.
class BitWriter {
 public:
  void put(uint32_t value, int count);
  int64_t bits() const { return bits_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }  // the last filled up with zeros

 private:
  std::vector<uint8_t> bytes_;
  int64_t bits_ = 0;
};

// A code for the numbers -128 .. 255 of which few bits are wanted: Huffman codes of at most 15 bits, or numbers of a
// fixed width where that is shorter with its table.
class PrefixCode {
 public:
  // symbols: what will be written, with its number of times; at most 256 apart. None: a code for 0.
  explicit PrefixCode(std::span<const int> symbols);

  const std::vector<uint8_t>& table() const { return table_; }
  int64_t bits() const { return bits_; }  // of all symbols, the table excluded
  void write(int symbol, BitWriter& to) const;

 private:
  void number(std::span<const int> lengths);

  int least_ = 0;
  int64_t bits_ = 0;
  std::vector<int> lengths_;  // by symbol - least_
  std::vector<uint32_t> codes_;
  std::vector<uint8_t> table_;
};

// Code lengths, at most `longest`, of the least total over `counts`; 0 where a count is 0. At least two counts are not
// 0, at most 2^longest.
std::vector<int> limited_code_lengths(std::span<const int64_t> counts, int longest);

}  // namespace tinyc
