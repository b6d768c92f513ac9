// Images and sound as data sets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/quant/dataset.h"
#include "unit/temp_folder.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace tinyc {
namespace {

using testing::HasSubstr;
const Dim kN{std::string("N")};

std::vector<ModelInput> image_input(Shape shape) {
  return {{"image", {DataType::kFloat, std::move(shape)}}};
}

// Red is the row, green the column, blue 200.
std::vector<uint8_t> gradient(int height, int width) {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.insert(pixels.end(), {static_cast<uint8_t>(y), static_cast<uint8_t>(x), uint8_t{200}});
    }
  }
  return pixels;
}

void write_png(const std::filesystem::path& path, int height, int width) {
  ASSERT_NE(stbi_write_png(path.c_str(), width, height, 3, gradient(height, width).data(), 0), 0);
}

TEST(Media, ClassFoldersAreLabels) {
  const TempFolder folder;
  for (const char* name : {"cat", "ant"}) {
    std::filesystem::create_directory(folder / name);
    write_png(folder / name / "1.png", 4, 5);
  }
  write_png(folder / "cat" / "2.png", 4, 5);
  Dataset data = Dataset::open(folder.path(), image_input({kN, 3, 4, 5}));
  const Batch batch = data.next(9);
  EXPECT_EQ(batch.labels.to_int64(), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(batch.inputs[0].dims(), (Dims{3, 3, 4, 5}));
  const std::vector<float> values = batch.inputs[0].to_float();
  EXPECT_EQ(values[7], 1.0F);       // red of row 1, column 2
  EXPECT_EQ(values[20 + 7], 2.0F);  // green
  EXPECT_EQ(values[40 + 7], 200.0F);
  Dataset channels_last = Dataset::open(folder.path(), image_input({kN, 4, 5, 3}));
  EXPECT_EQ(channels_last.next(1).inputs[0].to_float()[3 * 7 + 1], 2.0F);
}

TEST(Media, ResizesAndCrops) {
  const TempFolder folder;
  write_png(folder / "a.png", 40, 80);
  write_png(folder / "b.png", 60, 40);
  DatasetOptions options;
  set_preprocess(options.preprocess, "resize", "20");
  set_preprocess(options.preprocess, "crop", "16");
  Dataset data = Dataset::open(folder.path(), image_input({kN, 3, 16, 16}), options);
  const Batch batch = data.next(1);
  // 40x80 becomes 20x40; the crop starts at row 2, column 12, and a pixel is the mean of its 2x2 neighbourhood.
  const std::vector<float> values = batch.inputs[0].to_float();
  EXPECT_NEAR(values[5 * 16 + 5], 2 * 7 + 0.5, 0.01);
  EXPECT_NEAR(values[256 + 5 * 16 + 5], 2 * 17 + 0.5, 0.01);
  EXPECT_NEAR(values[512], 200, 0.01);
  EXPECT_THROW(Dataset::open(folder.path(), image_input({kN, 3, 16, 16})), Error);
}

TEST(Media, JpegIsReadAndDamageIsNamed) {
  const TempFolder folder;
  stbi_write_jpg((folder / "a.jpg").c_str(), 32, 32, 3, gradient(32, 32).data(), 95);
  Dataset data = Dataset::open(folder.path(), image_input({kN, 3, 32, 32}));
  EXPECT_NEAR(data.next(1).inputs[0].to_float()[2 * 1024], 200.0F, 3.0F);
  const std::string bytes = read_file(folder / "a.jpg", 1 << 20);
  write_file_atomic(folder / "b.png", "no image");
  try {
    Dataset::open(folder.path(), image_input({kN, 3, 32, 32}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("b.png: not a readable PNG or JPEG"));
  }
}

TEST(Media, GreyFollowsTheModel) {
  const TempFolder folder;
  write_png(folder / "a.png", 3, 3);
  Dataset data = Dataset::open(folder / "a.png", image_input({1, 1, 3, 3}));
  EXPECT_EQ(data.next(1).inputs[0].dims(), (Dims{1, 1, 3, 3}));
}

template <typename T>
std::string wav(uint16_t encoding, uint16_t channels, const std::vector<T>& samples) {
  std::string bytes;
  const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  const auto size = static_cast<uint32_t>(samples.size() * sizeof(T));
  bytes += "RIFF";
  put(36 + size);
  bytes += "WAVELIST";
  put(uint32_t{3});
  bytes += std::string("abc\0", 4);  // an odd chunk and its padding
  bytes += "fmt ";
  put(uint32_t{16});
  put(encoding);
  put(channels);
  put(uint32_t{16000});
  put(static_cast<uint32_t>(16000 * sizeof(T)));
  put(static_cast<uint16_t>(sizeof(T)));
  put(static_cast<uint16_t>(8 * sizeof(T)));
  bytes += "data";
  put(size);
  return bytes.append(reinterpret_cast<const char*>(samples.data()), size);
}

TEST(Media, WavsAreCutToTheModel) {
  const TempFolder folder;
  write_file_atomic(folder / "a.wav", wav<int16_t>(1, 1, {0, 16384, -32768, 1, 2, 3, 4}));
  write_file_atomic(folder / "b.wav", wav<float>(3, 1, {0.5F, -0.25F}));
  Dataset data = Dataset::open(folder.path(), {{"x", {DataType::kFloat, {kN, 1, 3}}}});
  EXPECT_EQ(data.size(), 3);  // two whole windows of a, one of b filled up
  const Batch batch = data.next(9);
  EXPECT_EQ(batch.inputs[0].dims(), (Dims{3, 1, 3}));
  const std::vector<float> values = batch.inputs[0].to_float();
  EXPECT_EQ(values[1], 0.5F);
  EXPECT_EQ(values[2], -1.0F);
  EXPECT_EQ(values[6], 0.5F);
  EXPECT_EQ(values[8], 0.0F);
  Dataset open_ended = Dataset::open(folder.path(), {{"x", {DataType::kFloat, {kN, Dim(std::string("T"))}}}});
  EXPECT_EQ(open_ended.max_batch(), 1);
  EXPECT_EQ(open_ended.next(1).inputs[0].dims(), (Dims{1, 7}));
  EXPECT_EQ(open_ended.next(1).inputs[0].dims(), (Dims{1, 2}));
}

TEST(Media, WavDamageIsRefused) {
  const TempFolder folder;
  const std::vector<ModelInput> inputs = {{"x", {DataType::kFloat, {kN, 3}}}};
  const std::string bytes = wav<int16_t>(1, 1, {1, 2, 3, 4});
  for (size_t size = 0; size < bytes.size(); ++size) {
    write_file_atomic(folder / "a.wav", bytes.substr(0, size));
    EXPECT_THROW(Dataset::open(folder / "a.wav", inputs), Error);
  }
  write_file_atomic(folder / "a.wav", wav<int16_t>(1, 2, {1, 2, 3, 4}));
  EXPECT_THROW(Dataset::open(folder / "a.wav", inputs), Error);
}

}  // namespace
}  // namespace tinyc
