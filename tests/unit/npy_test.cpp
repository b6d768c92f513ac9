#include "tinyc/driver/npy.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "unit/temp_folder.h"

namespace tinyc {
namespace {

TEST(Npy, ReadsWhatItWrites) {
  const TempFolder folder;
  const auto round_trip = [&](const Tensor& tensor) {
    write_file_atomic(folder / "t.npy", to_npy(tensor));
    return load_npy(folder / "t.npy");
  };
  const Tensor floats = Tensor::of<float>({2, 3}, std::vector<float>{1, -2, 3.5F, 0, 5, 6});
  EXPECT_TRUE(round_trip(floats).same_bytes(floats));
  EXPECT_EQ(round_trip(floats).dims(), (Dims{2, 3}));
  const Tensor scalar = Tensor::scalar<int64_t>(-7);
  EXPECT_TRUE(round_trip(scalar).same_bytes(scalar));
  const Tensor empty = Tensor::zeros(DataType::kUint8, {0, 4});
  EXPECT_EQ(round_trip(empty).dims(), (Dims{0, 4}));
}

TEST(Npy, WidensWhatNumpyDoesNotHave) {
  const TempFolder folder;
  Tensor nibbles = Tensor::zeros(DataType::kInt4, {3});
  store_packed(nibbles.mutable_bytes(), DataType::kInt4, 1, -8);
  write_file_atomic(folder / "t.npy", to_npy(nibbles));
  EXPECT_EQ(load_npy(folder / "t.npy").to_float(), (std::vector<float>{0, -8, 0}));
}

TEST(Npy, RefusesATruncatedFile) {
  const TempFolder folder;
  const std::string bytes = to_npy(Tensor::of<float>({4}, std::vector<float>{1, 2, 3, 4}));
  for (const size_t size : {size_t{0}, size_t{5}, size_t{40}, bytes.size() - 1}) {
    write_file_atomic(folder / "t.npy", std::string_view(bytes).substr(0, size));
    EXPECT_THROW(load_npy(folder / "t.npy"), Error) << size;
  }
}

}  // namespace
}  // namespace tinyc
