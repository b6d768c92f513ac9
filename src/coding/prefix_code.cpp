// Huffman codes of limited length by package-merge.
//
// Problem: code lengths l_i <= L of least total sum(count_i * l_i), where sum(2^-l_i) = 1. Method: as a collector of
// coins: every symbol has a coin of each worth 2^-1 ... 2^-L at the price count_i; coins for n - 1 together are wanted
// at the least price, and l_i is how many of symbol i's coins were bought. From the smallest worth up, coins of a worth
// are merged in order of price with pairs ("packages") of the worth below; the 2 n - 2 cheapest of the last list are
// bought. Which coins lie in a package need not be kept: of each list as many are bought as the packages of the next
// one name, always the cheapest, so that it is enough to know which entries of a list are coins.
// Cost: O(n L). Source: Larmore and Hirschberg, A fast algorithm for optimal length-limited Huffman codes, 1990.
#include "coding/prefix_code.h"

#include <algorithm>
#include <numeric>

#include "coding/decoders.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

struct CoinList {
  std::vector<int64_t> prices;
  std::vector<bool> is_coin;
};

CoinList merge_packages(std::span<const int64_t> coins, std::span<const int64_t> below) {
  CoinList list;
  size_t coin = 0;
  size_t pair = 0;
  while (coin < coins.size() || pair + 1 < below.size()) {
    const bool has_pair = pair + 1 < below.size();
    const int64_t package = has_pair ? below[pair] + below[pair + 1] : 0;
    const bool takes_coin = coin < coins.size() && (!has_pair || coins[coin] <= package);
    list.prices.push_back(takes_coin ? coins[coin] : package);
    list.is_coin.push_back(takes_coin);
    if (takes_coin) {
      ++coin;
    } else {
      pair += 2;
    }
  }
  return list;
}

// Lengths as nibbles, runs of symbols that do not occur as two.
std::vector<uint8_t> lengths_table(std::span<const int> lengths) {
  BitWriter writer;
  for (size_t i = 0; i < lengths.size();) {
    writer.put(static_cast<uint32_t>(lengths[i]), 4);
    size_t end = i + 1;
    if (lengths[i] == 0) {
      while (end < lengths.size() && lengths[end] == 0 && end - i < 16) ++end;
      writer.put(static_cast<uint32_t>(end - i - 1), 4);
    }
    i = end;
  }
  return writer.bytes();
}

}  // namespace

void BitWriter::put(uint32_t value, int count) {
  for (int bit = count - 1; bit >= 0; --bit) {
    if (bits_ % 8 == 0) bytes_.push_back(0);
    bytes_.back() = static_cast<uint8_t>(bytes_.back() | (value >> bit & 1) << (7 - bits_ % 8));
    ++bits_;
  }
}

std::vector<int> limited_code_lengths(std::span<const int64_t> counts, int longest) {
  std::vector<size_t> order;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) order.push_back(i);
  }
  TINYC_CHECK(order.size() >= 2 && order.size() <= size_t{1} << longest);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return counts[a] < counts[b]; });
  std::vector<int64_t> coins;
  for (const size_t i : order) coins.push_back(counts[i]);
  std::vector<CoinList> lists;
  for (int worth = longest; worth >= 1; --worth) {
    lists.push_back(merge_packages(coins, lists.empty() ? std::span<const int64_t>() : lists.back().prices));
  }
  std::vector<int> lengths(counts.size(), 0);
  auto bought = static_cast<int64_t>(2 * order.size() - 2);
  for (size_t list = lists.size(); list-- > 0;) {
    const auto& is_coin = lists[list].is_coin;
    const int64_t taken = std::count(is_coin.begin(), is_coin.begin() + bought, true);
    for (int64_t i = 0; i < taken; ++i) ++lengths[order[static_cast<size_t>(i)]];
    bought = 2 * (bought - taken);
  }
  return lengths;
}

PrefixCode::PrefixCode(std::span<const int> symbols) {
  if (symbols.empty()) {
    lengths_ = {0};
    codes_ = {0};
    table_ = {0, 0};
    return;
  }
  const auto [low, high] = std::minmax_element(symbols.begin(), symbols.end());
  TINYC_CHECK(*high - *low < 256);
  least_ = *low;
  const auto span = static_cast<uint32_t>(*high - *low);
  table_ = {static_cast<uint8_t>(least_), static_cast<uint8_t>(span)};
  std::vector<int64_t> counts(span + 1, 0);
  for (const int symbol : symbols) ++counts[static_cast<size_t>(symbol - least_)];
  int width = 0;
  while (span >> width != 0) ++width;
  lengths_.assign(counts.size(), width);
  codes_.resize(counts.size());
  std::iota(codes_.begin(), codes_.end(), 0U);
  bits_ = width * static_cast<int64_t>(symbols.size());
  if (span == 0) return;
  const std::vector<int> lengths = limited_code_lengths(counts, TC_LONGEST_CODE);
  const std::vector<uint8_t> table = lengths_table(lengths);
  const int64_t bits = std::inner_product(counts.begin(), counts.end(), lengths.begin(), int64_t{0});
  if (bits + 8 * static_cast<int64_t>(table.size()) < bits_ + 8) {
    bits_ = bits;
    table_.insert(table_.end(), table.begin(), table.end());
    number(lengths);
  } else {
    table_.push_back(0);
  }
}

// Codes of one length are consecutive, by symbol; shorter ones come first.
void PrefixCode::number(std::span<const int> lengths) {
  lengths_.assign(lengths.begin(), lengths.end());
  uint32_t next = 0;
  for (int length = 1; length <= TC_LONGEST_CODE; ++length) {
    next <<= 1;
    for (size_t i = 0; i < lengths_.size(); ++i) {
      if (lengths_[i] == length) codes_[i] = next++;
    }
  }
}

void PrefixCode::write(int symbol, BitWriter& to) const {
  const auto at = static_cast<size_t>(symbol - least_);
  to.put(codes_[at], lengths_[at]);
}

}  // namespace tinyc
