#include "tinyc/quant/saturation.h"

#include <gtest/gtest.h>

#include <vector>

namespace tinyc {
namespace {

// One group of rows over the numbers of one position, which `numbers` gives.
LinearForm form_of(int64_t rows, std::vector<float> numbers) {
  LinearForm form;
  form.rows = rows;
  form.columns = static_cast<int64_t>(numbers.size());
  form.row_stride = form.columns;
  for (int64_t c = 0; c < form.columns; ++c) form.column_offsets.push_back(c);
  form.positions = 1;
  form.gather = [numbers](int64_t, int64_t, int64_t, float* out, int64_t) {
    std::copy(numbers.begin(), numbers.end(), out);
  };
  return form;
}

QParams bytes(int zero_point) {
  QParams params;
  params.storage = DataType::kUint8;
  params.q_min = 0;
  params.q_max = 255;
  params.scales = {1.0F};
  params.zero_points = {zero_point};
  return params;
}

SaturationCount count(const LinearForm& form, const std::vector<int32_t>& codes, const QParams& input, int64_t taps) {
  return count_saturation({std::span(&form, 1), codes, input, taps, 100});
}

TEST(Saturation, CutsWhatDoesNotFit16Bits) {
  const LinearForm form = form_of(3, {255, 255});
  // 255 * (127 + 2) = 32895 is too large, 255 * (127 + 1) = 32640 is not; nor are products of two signs.
  const SaturationCount found = count(form, {127, 2, 127, 1, 127, -127}, bytes(0), 1);
  EXPECT_EQ(found.results, 3);
  EXPECT_EQ(found.cut, 1);
  EXPECT_EQ(count(form, {-127, -2, -127, -1, 127, 0}, bytes(0), 1).cut, 1);
}

TEST(Saturation, SeesCodesNotNumbers) {
  // Zero is code 200: two weights of 127 see 400 * 127.
  EXPECT_EQ(count(form_of(1, {0, 0}), {127, 127}, bytes(200), 1).cut, 1);
  EXPECT_EQ(count(form_of(1, {0, 0}), {127, 127}, bytes(0), 1).cut, 0);
}

TEST(Saturation, PairsChannelsOfATap) {
  // Columns are (channel, tap): the large weights stand at one tap of two channels, or at two taps of one.
  const LinearForm form = form_of(1, {255, 255, 255, 255});
  EXPECT_EQ(count(form, {127, 0, 127, 0}, bytes(0), 2).cut, 1);
  EXPECT_EQ(count(form, {127, 127, 0, 0}, bytes(0), 2).cut, 0);
}

TEST(Saturation, NeverCutsWeightsOf7Bits) {
  const LinearForm form = form_of(2, {255, 255, 255, 255});
  EXPECT_EQ(count(form, {63, 63, 63, 63, -63, -63, -63, -63}, bytes(0), 1).cut, 0);
}

}  // namespace
}  // namespace tinyc
