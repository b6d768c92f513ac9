#include "tinyc/base/hash.h"

#include <gtest/gtest.h>

namespace tinyc {
namespace {

TEST(Hash, IsXxh3) {
  EXPECT_EQ(hash_text("").hex(), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, PiecesEqualTheWhole) {
  Hasher hasher;
  hasher.update("calib");
  hasher.update("ration");
  EXPECT_EQ(hasher.digest(), hash_text("calibration"));
  EXPECT_EQ(Digest::from_hex(hasher.digest().hex()), hasher.digest());
  EXPECT_EQ(Digest::from_hex("12"), std::nullopt);
  EXPECT_EQ(Digest::from_hex("zz000000000000000000000000000000"), std::nullopt);
}

TEST(Hash, SumCarriesAndCommutes) {
  Digest a{1, ~uint64_t{0}};
  a += Digest{0, 1};
  EXPECT_EQ(a, (Digest{2, 0}));
  Digest x = hash_text("x");
  Digest y = hash_text("y");
  x += hash_text("y");
  y += hash_text("x");
  EXPECT_EQ(x, y);
}

}  // namespace
}  // namespace tinyc
