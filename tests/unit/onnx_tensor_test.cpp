#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "onnx/tensor_proto.h"
#include "temp_folder.h"
#include "tinyc/onnx/import.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

onnx::TensorProto proto_of(DataType dtype, const std::vector<int64_t>& dims) {
  onnx::TensorProto proto;
  proto.set_data_type(static_cast<int32_t>(dtype));
  for (const int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

template <typename Proto>
std::string error_of(const Proto& proto, const fs::path& folder = {}) {
  try {
    to_tensor(proto, folder);
  } catch (const Error& error) {
    EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(OnnxTensor, TypedFieldsAreReadAsTheirElementType) {
  auto bytes = proto_of(DataType::kInt8, {3});
  for (const int value : {-128, 0, 127}) bytes.add_int32_data(value);
  EXPECT_THAT(to_tensor(bytes, {}).to_int64(), ElementsAre(-128, 0, 127));

  auto half = proto_of(DataType::kFloat16, {2});
  for (const int bits : {0x3C00, 0xC000}) half.add_int32_data(bits);
  EXPECT_THAT(to_tensor(half, {}).to_float(), ElementsAre(1, -2));

  auto wide = proto_of(DataType::kUint32, {1});
  wide.add_uint64_data(4000000000U);
  EXPECT_THAT(to_tensor(wide, {}).to_int64(), ElementsAre(4000000000));

  auto doubles = proto_of(DataType::kDouble, {});
  doubles.add_double_data(0.5);
  EXPECT_THAT(to_tensor(doubles, {}).to_float(), ElementsAre(0.5F));
}

TEST(OnnxTensor, TypesThatTheSchemaDoesNotNameAreCarried) {
  auto typed = proto_of(DataType::kInt4, {3});
  typed.add_int32_data(0xF1);
  typed.add_int32_data(0x07);
  const Tensor tensor = to_tensor(typed, {});
  EXPECT_THAT(tensor.to_int64(), ElementsAre(1, -1, 7));
  const onnx::TensorProto written = to_proto(tensor, "w");
  EXPECT_EQ(written.data_type(), 22);
  EXPECT_EQ(written.raw_data(), std::string("\xF1\x07", 2));
  EXPECT_TRUE(to_tensor(written, {}).same_bytes(tensor));

  auto raw = proto_of(DataType::kFloat8E4M3FN, {2});
  raw.set_raw_data("\x38\x40");
  EXPECT_EQ(to_proto(to_tensor(raw, {}), "").raw_data(), "\x38\x40");
}

TEST(OnnxTensor, StringsAreCarried) {
  auto proto = proto_of(DataType::kString, {2});
  proto.add_string_data("one");
  proto.add_string_data(std::string("\0two", 4));
  const onnx::TensorProto again = to_proto(to_tensor(proto, {}), "");
  EXPECT_THAT(again.string_data(), ElementsAre("one", std::string("\0two", 4)));
}

TEST(OnnxTensor, DataThatDoNotFitTheDims) {
  auto raw = proto_of(DataType::kFloat, {2, 3});
  raw.set_raw_data(std::string(20, '\0'));
  EXPECT_EQ(error_of(raw), "raw_data holds 20 bytes, expected 24 for float32[2,3]");
  auto typed = proto_of(DataType::kFloat, {int64_t{1} << 40});
  typed.add_float_data(1);
  EXPECT_THAT(error_of(typed), HasSubstr("float_data holds 1 elements, expected 1099511627776"));
  EXPECT_THAT(error_of(proto_of(DataType::kFloat, {int64_t{1} << 40, int64_t{1} << 40})), HasSubstr("overflow"));
  EXPECT_THAT(error_of(proto_of(DataType::kFloat, {-1})), HasSubstr("negative"));
  EXPECT_THAT(error_of(proto_of(DataType{99}, {1})), HasSubstr("element type 99 is unknown"));
  EXPECT_THAT(error_of(proto_of(DataType::kString, {5})), HasSubstr("string_data holds 0 elements"));
}

onnx::SparseTensorProto sparse_of(const std::vector<int64_t>& dims, const std::vector<int64_t>& indices,
                                  const std::vector<int64_t>& index_dims) {
  onnx::SparseTensorProto proto;
  for (const int64_t dim : dims) proto.add_dims(dim);
  *proto.mutable_values() = proto_of(DataType::kFloat, {2});
  proto.mutable_values()->add_float_data(5);
  proto.mutable_values()->add_float_data(6);
  *proto.mutable_indices() = proto_of(DataType::kInt64, index_dims);
  for (const int64_t idx : indices) proto.mutable_indices()->add_int64_data(idx);
  return proto;
}

TEST(OnnxTensor, SparseTensorsBecomeDense) {
  EXPECT_THAT(to_tensor(sparse_of({2, 3}, {1, 5}, {2}), {}).to_float(), ElementsAre(0, 5, 0, 0, 0, 6));
  EXPECT_THAT(to_tensor(sparse_of({2, 3}, {0, 2, 1, 0}, {2, 2}), {}).to_float(), ElementsAre(0, 0, 5, 6, 0, 0));
  EXPECT_THAT(error_of(sparse_of({2, 3}, {1, 6}, {2})), HasSubstr("index outside"));
  EXPECT_THAT(error_of(sparse_of({2, 3}, {0, -1, 1, 0}, {2, 2})), HasSubstr("index outside"));
  EXPECT_THAT(error_of(sparse_of({2, 3}, {0, 1, 2}, {3})), HasSubstr("indices"));
  EXPECT_THAT(error_of(sparse_of({1 << 20, 1 << 20}, {0, 1}, {2})), HasSubstr("too large"));
}

class ExternalData : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.path() / "model/sub");
    write("model/w.bin", std::string("\0\0\0\0\0\0\x80\x3f\0\0\0\x40", 12));
    write("outside.bin", std::string(64, '\0'));
  }
  void write(const fs::path& name, const std::string& bytes) {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
  }
  std::string error(const std::string& location, const std::string& offset = "0", const std::string& length = "8") {
    return error_of(proto(location, offset, length), folder_.path() / "model");
  }
  static onnx::TensorProto proto(const std::string& location, const std::string& offset, const std::string& length) {
    auto tensor = proto_of(DataType::kFloat, {2});
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    const std::pair<const char*, std::string> entries[] = {
        {"location", location}, {"offset", offset}, {"length", length}};
    for (const auto& [key, value] : entries) {
      auto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
    return tensor;
  }
  TempFolder folder_;
};

TEST_F(ExternalData, IsReadFromItsOffset) {
  EXPECT_THAT(to_tensor(proto("w.bin", "4", "8"), folder_.path() / "model").to_float(), ElementsAre(1, 2));
}

TEST_F(ExternalData, StaysBelowTheModel) {
  EXPECT_THAT(error("../outside.bin"), HasSubstr("external data '../outside.bin' leaves the model's folder by '..'"));
  EXPECT_THAT(error("sub/../../outside.bin"), HasSubstr("by '..'"));
  EXPECT_THAT(error((folder_.path() / "outside.bin").string()), HasSubstr("is an absolute path"));
  fs::create_symlink(folder_.path() / "outside.bin", folder_.path() / "model/link.bin");
  EXPECT_THAT(error("link.bin"), HasSubstr("by a symbolic link"));
  fs::create_directory_symlink(folder_.path(), folder_.path() / "model/up");
  EXPECT_THAT(error("up/outside.bin"), HasSubstr("by a symbolic link"));
  fs::create_symlink(folder_.path() / "model/w.bin", folder_.path() / "model/sub/inside.bin");
  EXPECT_EQ(error("sub/inside.bin"), "no error");
  EXPECT_THAT(error(""), HasSubstr("has no location"));
  EXPECT_THAT(error("sub"), HasSubstr("not a regular file"));
  EXPECT_THAT(error("missing.bin"), HasSubstr("external data 'missing.bin' cannot be read"));
}

TEST_F(ExternalData, RangesAreChecked) {
  EXPECT_THAT(error("w.bin", "8"), HasSubstr("ends at byte 12, 8 bytes at offset 8 lie beyond it"));
  EXPECT_THAT(error("w.bin", "9223372036854775807"), HasSubstr("lie beyond it"));
  EXPECT_THAT(error("w.bin", "-4"), HasSubstr("offset '-4'"));
  EXPECT_THAT(error("w.bin", "4x"), HasSubstr("offset '4x'"));
  EXPECT_THAT(error("w.bin", "0", "12"), HasSubstr("has length 12, expected 8"));
  EXPECT_THAT(error("w.bin", "0", "99999999999999999999"), HasSubstr("length"));
}

TEST_F(ExternalData, ModelsNameTheInitializerAndTheFile) {
  onnx::ModelProto model;
  model.add_opset_import()->set_version(13);
  *model.mutable_graph()->add_initializer() = proto("../outside.bin", "0", "8");
  model.mutable_graph()->mutable_initializer(0)->set_name("w");
  write("model/m.onnx", model.SerializeAsString());
  try {
    import_model(folder_.path() / "model/m.onnx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_THAT(error.what(), HasSubstr("m.onnx: initializer 'w': external data '../outside.bin'"));
  }
}

TEST_F(ExternalData, FilesThatCannotBeRead) {
  const auto kind_of = [](const fs::path& path) {
    try {
      import_model(path);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of(folder_.path() / "none.onnx"), ErrorKind::kIo);
  EXPECT_EQ(kind_of(folder_.path()), ErrorKind::kIo);
  EXPECT_EQ(kind_of(folder_.path() / "outside.bin"), ErrorKind::kModel);
}

}  // namespace
}  // namespace tinyc
