// Coders of integer weights, each by its own device decoder.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"
#include "tinyc/coding/choose_coding.h"
#include "tinyc/coding/entropy.h"

namespace tinyc {
namespace {

struct Levels {
  std::vector<int8_t> levels;
  int64_t rows = 0, columns = 0;
  LevelMatrix matrix() const { return {levels, rows, columns}; }
  double bits(int64_t bytes) const { return 8.0 * static_cast<double>(bytes) / static_cast<double>(levels.size()); }
};

// Normal values of the deviation, rounded; a share of them is 0 besides.
Levels normal_levels(int64_t rows, int64_t columns, double deviation, double zeros, uint64_t seed = 1) {
  Rng rng(seed);
  Levels made{.levels = {}, .rows = rows, .columns = columns};
  for (int64_t i = 0; i < rows * columns; ++i) {
    const double value = std::nearbyint(rng.normal() * deviation);
    const bool zero = rng.uniform() < zeros;
    made.levels.push_back(static_cast<int8_t>(zero ? 0.0 : std::fmax(-128.0, std::fmin(127.0, value))));
  }
  return made;
}

Levels constant_levels(int64_t rows, int64_t columns, int8_t level) {
  return {std::vector<int8_t>(static_cast<size_t>(rows * columns), level), rows, columns};
}

std::vector<Levels> many_levels() {
  std::vector<Levels> all;
  const int64_t shapes[][2] = {{0, 5}, {5, 0}, {1, 1}, {1, 7}, {7, 1}, {3, 5}, {12, 64}, {65, 31}};
  for (const auto& [rows, columns] : shapes) {
    for (const int8_t level : {0, 1, -1, 5, 127, -128}) {
      all.push_back(constant_levels(rows, columns, level));
    }
    for (const double deviation : {0.3, 1.0, 3.0, 40.0, 200.0}) {
      for (const double zeros : {0.0, 0.9}) all.push_back(normal_levels(rows, columns, deviation, zeros));
    }
  }
  Levels every{.levels = {}, .rows = 16, .columns = 48};
  for (int i = 0; i < 768; ++i) every.levels.push_back(static_cast<int8_t>(i % 256 - 128));
  all.push_back(every);
  return all;
}

class Coders : public testing::TestWithParam<const CoderDef*> {};

TEST_P(Coders, GiveBackWhatTheyTook) {
  for (const Levels& made : many_levels()) {
    const CodedLevels coded = GetParam()->encode(made.matrix());
    const auto decoded = GetParam()->decode(coded.stream, made.rows, made.columns);
    ASSERT_TRUE(decoded.has_value()) << made.rows << " x " << made.columns;
    EXPECT_EQ(*decoded, made.levels);
    EXPECT_EQ(coded.parts.total(), static_cast<int64_t>(coded.stream.size()));
  }
}

TEST_P(Coders, RefuseTheirStreamCutOrLonger) {
  for (const Levels& made : {normal_levels(20, 37, 2.0, 0.5), normal_levels(20, 37, 30.0, 0.0)}) {
    const CodedLevels coded = GetParam()->encode(made.matrix());
    for (size_t size = 0; size < coded.stream.size(); ++size) {
      const std::vector<uint8_t> cut(coded.stream.begin(), coded.stream.begin() + static_cast<int64_t>(size));
      EXPECT_FALSE(GetParam()->decode(cut, made.rows, made.columns)) << size << " of " << coded.stream.size();
    }
    std::vector<uint8_t> longer = coded.stream;
    longer.push_back(0);
    EXPECT_FALSE(GetParam()->decode(longer, made.rows, made.columns));
  }
}

TEST_P(Coders, SurviveAnyChangeOfAByte) {
  const Levels made = normal_levels(16, 24, 2.0, 0.5);
  const CodedLevels coded = GetParam()->encode(made.matrix());
  Rng rng(3);
  for (size_t at = 0; at < coded.stream.size(); ++at) {
    std::vector<uint8_t> changed = coded.stream;
    changed[at] = static_cast<uint8_t>(changed[at] ^ (1 + rng.below(255)));
    const auto decoded = GetParam()->decode(changed, made.rows, made.columns);
    EXPECT_EQ(decoded ? decoded->size() : made.levels.size(), made.levels.size());
  }
}

TEST_P(Coders, AreFoundByName) {
  EXPECT_EQ(&find_coder(GetParam()->name), GetParam());
}

std::string test_name(const testing::TestParamInfo<const CoderDef*>& tested) {
  std::string name(tested.param->name);
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Coders, testing::ValuesIn(all_coders().begin(), all_coders().end()), test_name);

TEST(Coder, UnknownNamesHaveAHint) {
  try {
    find_coder("aritmetic");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(error.hint().find("arithmetic"), std::string::npos);
  }
}

int64_t arithmetic_bytes(const Levels& made) {
  return find_coder("arithmetic").encode(made.matrix()).parts.total();
}

// What learning costs: some 20 decisions of about 10 bits, and more where magnitudes are large.
TEST(Arithmetic, ReachesTheEntropyOfIndependentLevels) {
  for (const double deviation : {0.2, 0.5, 1.0, 2.0, 4.0, 30.0}) {
    for (const double zeros : {0.0, 0.5, 0.95}) {
      const Levels made = normal_levels(128, 256, deviation, zeros);
      const double entropy = entropy_bits(made.levels);
      EXPECT_LT(8.0 * static_cast<double>(arithmetic_bytes(made)), entropy * 1.015 + 400.0)
          << deviation << " " << zeros;
    }
  }
}

TEST(Arithmetic, GoesFarBelowOneBitAWeight) {
  const Levels made = normal_levels(64, 256, 1.5, 0.98);
  EXPECT_LT(made.bits(arithmetic_bytes(made)), 0.25);
  EXPECT_LT(arithmetic_bytes(constant_levels(64, 256, 0)), 16);
}

// Two of four weights kept: log2(6) / 4 = 0.65 bits for the places instead of 1.
TEST(Arithmetic, LearnsGroups) {
  Levels made = normal_levels(64, 256, 0.0, 0.0);
  Rng rng(2);
  for (size_t group = 0; group < made.levels.size(); group += 4) {
    const size_t first = rng.below(4);
    const size_t second = (first + 1 + rng.below(3)) % 4;
    made.levels[group + first] = rng.below(2) == 0 ? 1 : -1;
    made.levels[group + second] = rng.below(2) == 0 ? 1 : -1;
  }
  const double bits = made.bits(arithmetic_bytes(made));
  EXPECT_LT(bits, 0.65 + 0.5 + 0.02);
  EXPECT_LT(bits, made.bits(static_cast<int64_t>(entropy_bits(made.levels) / 8.0)) - 0.3);
}

// Kernels of 3 x 3 that were removed whole lie `channels` apart in a row.
TEST(Arithmetic, LearnsWhichPlacesOfARowAreRelated) {
  constexpr int64_t kChannels = 32;
  Levels made = normal_levels(64, 9 * kChannels, 2.0, 0.0);
  Rng rng(4);
  for (int64_t r = 0; r < made.rows; ++r) {
    for (int64_t channel = 0; channel < kChannels; ++channel) {
      if (rng.below(2) == 0) continue;
      for (int64_t tap = 0; tap < 9; ++tap) {
        made.levels[static_cast<size_t>(r * made.columns + tap * kChannels + channel)] = 0;
      }
    }
  }
  EXPECT_LT(8.0 * static_cast<double>(arithmetic_bytes(made)), entropy_bits(made.levels) * 0.9);
}

TEST(ChooseCoding, TakesTheFewestBytes) {
  const Levels wide = normal_levels(64, 128, 200.0, 0.0);
  const Levels sparse = normal_levels(64, 128, 30.0, 0.9);
  const Levels tiny = constant_levels(1, 3, -8);
  EXPECT_EQ(choose_coding(sparse.matrix()).name(), "arithmetic");
  EXPECT_EQ(choose_coding(sparse.matrix()).parts.total(), arithmetic_bytes(sparse));
  EXPECT_EQ(choose_coding(sparse.matrix(), {}).name(), "int8");
  EXPECT_EQ(choose_coding(tiny.matrix()).name(), "int4");
  EXPECT_EQ(choose_coding(tiny.matrix()).parts.total(), 2);
  EXPECT_LE(choose_coding(wide.matrix()).parts.total(), 64 * 128);
}

}  // namespace
}  // namespace tinyc
