// Tables of channels in their shorter form come back as they were.
#include "ops/code/channel_table.h"

#include <gtest/gtest.h>

#include "ops/code/kernels.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

std::vector<int32_t> expanded(const ShortChannels& shorter) {
  std::vector<int32_t> out(2 * shorter.words.size());
  tc_expand_channels_s8(shorter.words.data(), shorter.kinds.data(), out.data(),
                        static_cast<int32_t>(shorter.words.size()));
  return out;
}

TEST(ChannelTable, OfFewMultipliersAndShortBiasesIsAQuarter) {
  Rng rng(3);
  std::vector<int32_t> channels;
  for (int i = 0; i < 64; ++i) {
    const int shift = static_cast<int>(rng.below(4));
    channels.push_back((static_cast<int32_t>(rng.below(4095)) - 2047) * (1 << (6 + shift)));
    channels.push_back((1 << 30) >> shift);
  }
  const std::optional<ShortChannels> shorter = shorten_channels(channels);
  ASSERT_TRUE(shorter.has_value());
  EXPECT_EQ(expanded(*shorter), channels);
  EXPECT_EQ(shorter->bytes(), 64 * 2 + 4 * 8);
}

TEST(ChannelTable, BiasesWithMoreBitsAreLeft) {
  std::vector<int32_t> channels;
  for (int i = 0; i < 64; ++i) channels.insert(channels.end(), {100001 + 2 * i, 1 << 30});
  EXPECT_FALSE(shorten_channels(channels).has_value());
}

TEST(ChannelTable, ManyMultipliersAreLeft) {
  std::vector<int32_t> channels;
  for (int i = 0; i < 64; ++i) channels.insert(channels.end(), {i, (1 << 30) + i});
  EXPECT_FALSE(shorten_channels(channels).has_value());
}

TEST(ChannelTable, ExtremeBiases) {
  std::vector<int32_t> channels;
  for (int i = 0; i < 16; ++i) channels.insert(channels.end(), {i % 2 == 0 ? -2147483647 - 1 : 1 << 30, 1 << 30});
  const std::optional<ShortChannels> shorter = shorten_channels(channels);
  ASSERT_TRUE(shorter.has_value());
  EXPECT_EQ(expanded(*shorter), channels);
}

TEST(ChannelTable, OneChannelIsNotWorthIt) {
  EXPECT_FALSE(shorten_channels(std::vector<int32_t>{5, 1 << 30}).has_value());
}

}  // namespace
}  // namespace tinyc
