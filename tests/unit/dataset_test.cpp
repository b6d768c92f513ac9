#include "tinyc/quant/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "unit/npz_writer.h"
#include "unit/temp_folder.h"

namespace tinyc {
namespace {

using testing::HasSubstr;

std::vector<ModelInput> one_input(Shape shape, DataType dtype = DataType::kFloat) {
  return {{"x", {dtype, std::move(shape)}}};
}

const Dim kN{std::string("N")};

// All of an Error's text.
template <typename Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return std::string(error.what()) + " / " + error.hint();
  }
  return "no error";
}

std::vector<float> floats(const Tensor& tensor) {
  return tensor.to_float();
}

TEST(Dataset, ReadsAnNpzInBatches) {
  const TempFolder folder;
  for (const bool packed : {true, false}) {
    write_npz(folder / "d.npz",
              {{"x", npy<float>("<f4", {3, 2}, {0, 1, 2, 3, 4, 5})}, {"labels", npy<int32_t>("<i4", {3}, {7, 8, 9})}},
              packed);
    Dataset data = Dataset::open(folder / "d.npz", one_input({kN, 2}));
    EXPECT_EQ(data.size(), 3);
    EXPECT_TRUE(data.has_labels());
    for (int round = 0; round < 2; ++round) {
      const Batch first = data.next(2);
      EXPECT_EQ(first.inputs[0].dims(), (Dims{2, 2}));
      EXPECT_EQ(floats(first.inputs[0]), (std::vector<float>{0, 1, 2, 3}));
      EXPECT_EQ(first.labels.to_int64(), (std::vector<int64_t>{7, 8}));
      const Batch second = data.next(2);
      EXPECT_EQ(second.first, 2);
      EXPECT_EQ(floats(second.inputs[0]), (std::vector<float>{4, 5}));
      EXPECT_EQ(data.next(2).size, 0);
      data.rewind();
    }
  }
}

TEST(Dataset, HashNamesTheSamplesInAnyBatching) {
  const TempFolder folder;
  write_npz(folder / "d.npz", {{"any", npy<uint8_t>("|u1", {4, 2}, {0, 1, 2, 3, 4, 5, 6, 7})}});
  Dataset data = Dataset::open(folder / "d.npz", one_input({kN, 2}));
  data.next(4);
  const Digest whole = data.digest();
  data.rewind();
  while (data.next(1).size > 0) {
  }
  EXPECT_EQ(data.digest(), whole);
  DatasetOptions options;
  options.limit = 3;
  Dataset part = Dataset::open(folder / "d.npz", one_input({kN, 2}), options);
  EXPECT_EQ(part.size(), 3);
  EXPECT_EQ(part.next(9).size, 3);
  EXPECT_NE(part.digest(), whole);
}

TEST(Dataset, FixedBatchOfOneRunsSampleBySample) {
  const TempFolder folder;
  write_npz(folder / "d.npz", {{"x", npy<float>("<f4", {3, 2}, {0, 1, 2, 3, 4, 5})}});
  Dataset data = Dataset::open(folder / "d.npz", one_input({1, 2}));
  EXPECT_EQ(data.max_batch(), 1);
  EXPECT_EQ(data.next(3).inputs[0].dims(), (Dims{1, 2}));
}

TEST(Dataset, SeveralInputsWithState) {
  const TempFolder folder;
  const std::vector<ModelInput> inputs = {{"audio", {DataType::kFloat, {kN, Dim(std::string("len"))}}},
                                          {"state", {DataType::kFloat, {2, kN, 3}}},
                                          {"rate", {DataType::kInt64, {}}}};
  write_npz(folder / "d.npz", {{"audio", npy<float>("<f4", {2, 4}, std::vector<float>(8, 1))},
                               {"state", npy<float>("<f4", {2, 2, 1, 3}, std::vector<float>(12, 2))},
                               {"rate", npy<int16_t>("<i2", {2}, {16, 17})},
                               {"unused", npy<int16_t>("<i2", {1}, {16})}});
  Dataset data = Dataset::open(folder / "d.npz", inputs);
  const Batch batch = data.next(5);
  EXPECT_EQ(batch.size, 1);
  EXPECT_EQ(batch.inputs[0].dims(), (Dims{1, 4}));
  EXPECT_EQ(batch.inputs[1].dims(), (Dims{2, 1, 3}));
  EXPECT_EQ(batch.inputs[2].dims(), Dims{});
  EXPECT_EQ(batch.inputs[2].to_int64(), (std::vector<int64_t>{16}));
}

TEST(Dataset, PreparesImages) {
  const TempFolder folder;
  std::vector<uint8_t> pixels(2 * 2 * 3);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i);
  write_npz(folder / "d.npz", {{"x", npy<uint8_t>("|u1", {1, 2, 2, 3}, pixels)}});
  DatasetOptions options;
  set_preprocess(options.preprocess, "layout", "nhwc");
  set_preprocess(options.preprocess, "scale", "1/2");
  set_preprocess(options.preprocess, "mean", "0,1,2");
  set_preprocess(options.preprocess, "std", "2");
  Dataset data = Dataset::open(folder / "d.npz", one_input({kN, 3, 2, 2}), options);
  EXPECT_EQ(floats(data.next(1).inputs[0]),
            (std::vector<float>{0, .75, 1.5, 2.25, -.25, .5, 1.25, 2, -.5, .25, 1, 1.75}));
}

TEST(Dataset, SaysWhatDoesNotFit) {
  const TempFolder folder;
  const auto open = [&](const std::map<std::string, std::string>& members, const std::vector<ModelInput>& inputs) {
    write_npz(folder / "d.npz", members);
    return error_of([&] { Dataset::open(folder / "d.npz", inputs); });
  };
  const std::string good = npy<float>("<f4", {1, 2}, {1, 2});
  const std::vector<ModelInput> two = {{"a", {DataType::kFloat, {kN, 2}}}, {"b", {DataType::kFloat, {kN, 2}}}};
  EXPECT_THAT(open({{"a", good}, {"c", good}}, two), HasSubstr("no array for input 'b' in the data; they hold 'a'"));
  EXPECT_THAT(open({{"x", good}}, one_input({kN, 3})),
              HasSubstr("input 'x' is float32[N,3], but a sample of array 'x' is [2]"));
  EXPECT_THAT(open({{"x", npy<uint8_t>("|u1", {1, 4, 4, 3}, std::vector<uint8_t>(48))}}, one_input({kN, 3, 4, 4})),
              HasSubstr("--layout nhwc"));
  EXPECT_THAT(open({{"x", good}}, one_input({kN, 2}, DataType::kInt64)),
              HasSubstr("input 'x' is int64, but array 'x' holds float32"));
  EXPECT_THAT(open({{"x", npy<float>("<f4", {0, 2}, {})}}, one_input({kN, 2})), HasSubstr("has no samples"));
  EXPECT_THAT(open({{"x", good}, {"labels", npy<int8_t>("|i1", {2}, {1, 2})}}, one_input({kN, 2})),
              HasSubstr("array 'labels' has 2 samples, but 'x' has 1"));
  EXPECT_THAT(open({{"x", npy_bytes("<c8", {1, 2}, std::string(16, ' '))}}, one_input({kN, 2})),
              HasSubstr("elements of type '<c8'"));
  EXPECT_THAT(open({{"x", npy_bytes("<f4", {2, 2}, std::string(16, ' '), "True")}}, one_input({kN, 2})),
              HasSubstr("Fortran order"));
}

TEST(Dataset, NanNamesArrayAndSample) {
  const TempFolder folder;
  write_npz(folder / "d.npz", {{"x", npy<float>("<f4", {2, 2}, {1, 2, 3, std::nanf("")})}});
  Dataset data = Dataset::open(folder / "d.npz", one_input({kN, 2}));
  EXPECT_THAT(error_of([&] { data.next(2); }), HasSubstr("sample 1: array 'x': element 1 is NaN"));
}

TEST(Dataset, IntegersAreCheckedAgainstTheInput) {
  const TempFolder folder;
  write_npz(folder / "d.npz", {{"x", npy<int64_t>("<i8", {2, 1}, {127, 128})}});
  Dataset data = Dataset::open(folder / "d.npz", one_input({kN, 1}, DataType::kInt8));
  EXPECT_EQ(data.next(1).inputs[0].dtype(), DataType::kInt8);
  EXPECT_THAT(error_of([&] { data.next(1); }), HasSubstr("element 128 is out of the input's range"));
}

TEST(Dataset, RefusesDamageAndBombs) {
  const TempFolder folder;
  const auto path = folder / "d.npz";
  const auto open = [&] {
    return error_of([&] {
      Dataset data = Dataset::open(path, one_input({kN, 2}));
      while (data.next(1).size > 0) {
      }
    });
  };
  write_npz(path, {{"x", npy<float>("<f4", {1, 2}, std::vector<float>(1 << 20))}});
  EXPECT_THAT(open(), HasSubstr("but its header says"));

  write_npz(path, {{"x", npy<float>("<f4", {1, 2}, {1, 2})}}, false);
  const std::string bytes = read_file(path, 1 << 20);
  const size_t directory = bytes.find("PK\x01\x02");
  std::string bomb = bytes;
  bomb.replace(directory + 24, 4, "\xF0\xFF\xFF\x7F");  // the size that it claims to unpack to
  write_file_atomic(path, bomb);
  EXPECT_THAT(open(), HasSubstr("zip bomb"));
  std::string flipped = bytes;
  flipped[bytes.find("NUMPY") + 130] ^= 1;
  write_file_atomic(path, flipped);
  EXPECT_THAT(open(), HasSubstr("CRC"));
  for (size_t size = 0; size < bytes.size(); size += 7) {
    write_file_atomic(path, bytes.substr(0, size));
    EXPECT_THAT(open(), HasSubstr("not a readable"));
  }
}

TEST(Dataset, ReadsNpyFilesAndFolders) {
  const TempFolder folder;
  write_file_atomic(folder / "b.npy", npy<float>("<f4", {2, 2}, {1, 2, 3, 4}));
  write_file_atomic(folder / "c.npy", npy<float>("<f4", {2}, {5, 6}));  // one sample
  Dataset file = Dataset::open(folder / "b.npy", one_input({kN, 2}));
  EXPECT_EQ(floats(file.next(2).inputs[0]), (std::vector<float>{1, 2, 3, 4}));
  Dataset data = Dataset::open(folder.path(), one_input({kN, 2}));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(floats(data.next(9).inputs[0]), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    data.rewind();
  }
  write_file_atomic(folder / "d.npy", npy<float>("<f4", {3}, {5, 6, 7}));
  EXPECT_THAT(error_of([&] { Dataset::open(folder.path(), one_input({kN, 2})); }), HasSubstr("d.npy holds other"));
  write_file_atomic(folder / "x.npy", npy<float>("<f4", {1, 2}, {8, 9}));
  write_file_atomic(folder / "labels.npy", npy<float>("<f4", {1, 1}, {0.5}));
  Dataset named = Dataset::open(folder.path(), one_input({kN, 2}));
  const Batch batch = named.next(9);
  EXPECT_EQ(floats(batch.inputs[0]), (std::vector<float>{8, 9}));
  EXPECT_EQ(floats(batch.labels), (std::vector<float>{0.5}));
}

TEST(Dataset, ReadsTestSetsThroughTheGivenReader) {
  const TempFolder folder;
  DatasetOptions options;
  options.read_tensor = [](const std::filesystem::path& path) {
    return Tensor::of<float>({1, 2}, {path.parent_path().filename() == "a" ? 1.0F : 2.0F, 3.0F});
  };
  for (const char* set : {"a", "b"}) {
    std::filesystem::create_directory(folder / set);
    write_file_atomic(folder / set / "input_0.pb", "");
  }
  Dataset data = Dataset::open(folder.path(), one_input({kN, 2}), options);
  EXPECT_EQ(floats(data.next(5).inputs[0]), (std::vector<float>{1, 3, 2, 3}));
}

TEST(Dataset, EmptyAndMixedFoldersAreRefused) {
  const TempFolder folder;
  const auto open = [&] { return error_of([&] { Dataset::open(folder.path(), one_input({kN, 2})); }); };
  EXPECT_THAT(open(), HasSubstr("the folder holds no data"));
  write_file_atomic(folder / "a.npy", npy<float>("<f4", {1, 2}, {1, 2}));
  write_file_atomic(folder / "a.png", "");
  EXPECT_THAT(open(), HasSubstr("several kinds"));
  EXPECT_THAT(error_of([&] { Dataset::open(folder / "none", {}); }), HasSubstr("no such file"));
  write_file_atomic(folder / "a.txt", "");
  EXPECT_THAT(error_of([&] { Dataset::open(folder / "a.txt", {}); }), HasSubstr("not a form of data"));
}

TEST(Dataset, SyntheticDependsOnSeedAndNumberOnly) {
  const std::vector<ModelInput> inputs = {{"x", {DataType::kFloat, {kN, 100}}},
                                          {"ids", {DataType::kInt64, {kN, Dim(std::string("len"))}}}};
  Dataset batched = Dataset::synthetic(inputs, {.seed = 5, .samples = 4, .open_dim = 7});
  Dataset single = Dataset::synthetic(inputs, {.seed = 5, .samples = 4, .open_dim = 7});
  const Batch all = batched.next(4);
  EXPECT_TRUE(batched.is_synthetic());
  EXPECT_EQ(all.inputs[1].dims(), (Dims{4, 7}));
  for (int64_t i = 0; i < 4; ++i) {
    const std::vector<float> one = floats(single.next(1).inputs[0]);
    EXPECT_TRUE(std::equal(one.begin(), one.end(), all.inputs[0].data<float>().begin() + i * 100));
  }
  EXPECT_EQ(batched.digest(), single.digest());
  for (const int64_t id : all.inputs[1].to_int64()) EXPECT_TRUE(id == 0 || id == 1);
}

}  // namespace
}  // namespace tinyc
