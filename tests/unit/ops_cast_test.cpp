#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "op_test_util.h"
#include "ops/cast.h"
#include "ops/float8.h"

namespace tinyc {
namespace {

AttributeList to(DataType dtype) {
  return {{"to", static_cast<int64_t>(dtype)}};
}

TEST(Cast, TruncatesFloatsAndSurvivesWhatDoesNotFit) {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::of<float>({6}, {1.9F, -1.9F, 300.0F, inf, -inf, std::nanf("")});
  EXPECT_EQ(
      elements<int64_t>(run_op("Cast", {x}, to(DataType::kInt64))[0]),
      (std::vector<int64_t>{1, -1, 300, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), 0}));
  const Tensor small = Tensor::of<float>({3}, {1.9F, -1.9F, 300.0F});
  EXPECT_EQ(elements<uint8_t>(run_op("Cast", {small}, to(DataType::kUint8))[0]), (std::vector<uint8_t>{1, 255, 44}));
}

TEST(Cast, PacksAndUnpacksInt4) {
  const Tensor x = Tensor::of<int64_t>({3}, {-8, 7, 3});
  const Tensor packed = run_op("Cast", {x}, to(DataType::kInt4))[0];
  EXPECT_EQ(packed.byte_size(), 2U);
  EXPECT_EQ(elements<float>(run_op("Cast", {packed}, to(DataType::kFloat))[0]), (std::vector<float>{-8, 7, 3}));
}

TEST(Cast, RefusesStringsByName) {
  const Tensor x = Tensor::of<float>({1}, {1.0F});
  try {
    run_op("Cast", {x}, to(DataType::kString));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_NE(std::string(error.what()).find("string"), std::string::npos);
  }
}

TEST(Float8, EveryBitPatternSurvivesARoundTrip) {
  for (DataType dtype :
       {DataType::kFloat8E4M3FN, DataType::kFloat8E4M3FNUZ, DataType::kFloat8E5M2, DataType::kFloat8E5M2FNUZ}) {
    for (int bits = 0; bits < 256; ++bits) {
      const float value = float8_to_float(static_cast<uint8_t>(bits), dtype);
      if (std::isnan(value)) continue;
      EXPECT_EQ(float_to_float8(value, dtype, false), bits) << name_of(dtype);
    }
  }
}

TEST(Float8, RoundsToEvenAndSaturatesOnRequest) {
  EXPECT_EQ(float8_to_float(float_to_float8(17.0F, DataType::kFloat8E4M3FN, true), DataType::kFloat8E4M3FN), 16.0F);
  EXPECT_EQ(float8_to_float(float_to_float8(19.0F, DataType::kFloat8E4M3FN, true), DataType::kFloat8E4M3FN), 20.0F);
  EXPECT_EQ(float_to_float8(1e6F, DataType::kFloat8E4M3FN, true), 0x7E);
  EXPECT_EQ(float_to_float8(-1e6F, DataType::kFloat8E4M3FN, false), 0xFF);
  EXPECT_EQ(float_to_float8(1e6F, DataType::kFloat8E5M2, false), 0x7C);
  EXPECT_EQ(float_to_float8(-1e-9F, DataType::kFloat8E5M2FNUZ, true), 0x00);  // no negative zero
}

}  // namespace
}  // namespace tinyc
