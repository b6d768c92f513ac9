#include "tinyc/ir/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace tinyc {
namespace {

TEST(Tensor, PacksSubByteElements) {
  Tensor tensor = Tensor::zeros(DataType::kInt4, {3});
  EXPECT_EQ(tensor.byte_size(), 2U);
  store_packed(tensor.mutable_bytes(), DataType::kInt4, 0, -8);
  store_packed(tensor.mutable_bytes(), DataType::kInt4, 1, 7);
  store_packed(tensor.mutable_bytes(), DataType::kInt4, 2, -1);
  EXPECT_EQ(tensor.to_int64(), (std::vector<int64_t>{-8, 7, -1}));
  EXPECT_EQ(std::to_integer<int>(tensor.bytes()[0]), 0x78);  // the even element is the low nibble
}

TEST(Tensor, HalfRoundTripsEveryBitPattern) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(float_to_half(value), bits);
  }
  EXPECT_EQ(float_to_half(65519.0F), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0F), 0x7C00);
  EXPECT_EQ(float_to_half(1.0F + 0x1p-11F), 0x3C00);  // ties to even
}

TEST(Tensor, ReadsAnyFloatAsAnInteger) {
  const std::vector<float> values = {-2.9F, 1e38F, -1e38F, INFINITY, NAN};
  EXPECT_EQ(Tensor::of<float>({5}, values).to_int64(), (std::vector<int64_t>{-2, INT64_MAX, INT64_MIN, INT64_MAX, 0}));
}

TEST(Tensor, RefusesDimsThatOverflow) {
  const Dims dims{int64_t{1} << 40, int64_t{1} << 40};
  EXPECT_THROW(element_count(dims), Error);
}

}  // namespace
}  // namespace tinyc
