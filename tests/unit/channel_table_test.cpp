// Tables of channels in their shorter form come back as they were.
#include "ops/code/channel_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/code/kernels.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

std::vector<int32_t> expanded(const ShortChannels& shorter) {
  std::vector<int32_t> out(2 * shorter.words.size());
  tc_expand_channels_s8(shorter.words.data(), shorter.multiplier, shorter.below, shorter.unit, out.data(),
                        static_cast<int32_t>(shorter.words.size()));
  return out;
}

TEST(ChannelTable, OfHalvedMultipliersAndShortBiasesComesBack) {
  Rng rng(3);
  std::vector<int32_t> channels;
  for (int i = 0; i < 64; ++i) {
    const int shift = static_cast<int>(rng.below(4));
    channels.push_back((static_cast<int32_t>(rng.below(4095)) - 2047) * (1 << (6 + shift)));
    channels.push_back(static_cast<int32_t>(std::llround(std::ldexp(M_PI, 29 - shift))));
  }
  const std::optional<ShortChannels> shorter = shorten_channels(channels);
  ASSERT_TRUE(shorter.has_value());
  EXPECT_EQ(expanded(*shorter), channels);
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

// Whatever the number is: rounding it first and halving then would be one off for some.
TEST(ChannelTable, MultipliersAreRoundedOnce) {
  Rng rng(5);
  for (int i = 0; i < 200; ++i) {
    const double number = 0.5 + static_cast<double>(rng.below(1U << 30)) / 0x1p31;
    std::vector<int32_t> channels;
    for (int k = 0; k < 16; ++k) {
      channels.insert(channels.end(),
                      {3 * (1 << k), static_cast<int32_t>(std::floor(std::ldexp(number, 31 - k) + 0.5))});
    }
    const std::optional<ShortChannels> shorter = shorten_channels(channels);
    ASSERT_TRUE(shorter.has_value());
    EXPECT_EQ(expanded(*shorter), channels);
  }
}

TEST(ChannelTable, OfMultipliersThatAreAllZeroIsLeft) {
  EXPECT_FALSE(shorten_channels(std::vector<int32_t>{5, 0, 6, 0}).has_value());
}

}  // namespace
}  // namespace tinyc
