#include "tinyc/base/text.h"

#include <gtest/gtest.h>

namespace tinyc {
namespace {

constexpr std::string_view kNames[] = {"minmax", "ema", "percentile", "entropy", "mse"};

TEST(Text, FindsTheClosestSpelling) {
  EXPECT_EQ(closest("percentle", kNames), "percentile");
  EXPECT_EQ(closest("minmxa", kNames), "minmax");
  EXPECT_EQ(closest("MSE", kNames), "mse");
  EXPECT_EQ(closest("histogram", kNames), std::nullopt);
  EXPECT_EQ(closest("", kNames), std::nullopt);
  EXPECT_EQ(spelling_hint("entrpy", kNames), "did you mean 'entropy'?");
  EXPECT_EQ(spelling_hint("wavelet", kNames), "known are: minmax, ema, percentile, entropy, mse");
}

TEST(Text, FormatsSizes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(14541), "14.2 KiB");
  EXPECT_EQ(format_bytes(3670016), "3.50 MiB");
  EXPECT_EQ(format_count(950), "950");
  EXPECT_EQ(format_count(2656768), "2.66 M");
  EXPECT_EQ(format_count(300774272), "301 M");
}

TEST(Text, AlignsTables) {
  TextTable table({{"layer"}, {"sqnr_db", TextTable::Align::kRight}, {"why"}});
  table.add_row({"conv", "31.2", ""});
  table.add_row({"h\xC3\xA4rd", "7", "float"});
  EXPECT_EQ(table.str(), "layer  sqnr_db  why\nconv      31.2\nh\xC3\xA4rd         7  float\n");
}

}  // namespace
}  // namespace tinyc
