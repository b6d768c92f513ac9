// Models from ONNX text, and the patches on them.
#include <onnx/onnx_pb.h>

#include <sstream>
#include <stdexcept>

#include "fixtures.h"
#include "noise.h"
#include "test_file.h"
#include "text/onnx_text.h"

namespace golden {
namespace {

onnx::TensorProto& initializer(onnx::ModelProto& model, const std::string& name) {
  for (onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name() == name) return tensor;
  }
  throw std::runtime_error("no initializer " + name);
}

void move_outside(onnx::TensorProto& tensor, const std::string& location) {
  tensor.clear_float_data();
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto* entry = tensor.add_external_data();
  entry->set_key("location");
  entry->set_value(location);
}

void set_dims(onnx::TensorProto& tensor, const std::string& text) {
  tensor.clear_dims();
  std::istringstream dims(text);
  for (std::string dim; std::getline(dims, dim, ',');) tensor.add_dims(std::stoll(dim));
}

void fill(onnx::TensorProto& tensor, unsigned seed) {
  int64_t count = 1;
  for (const int64_t dim : tensor.dims()) count *= dim;
  tensor.clear_float_data();
  Noise noise(seed);
  for (int64_t i = 0; i < count; ++i) tensor.add_float_data(static_cast<float>(noise()));
}

}  // namespace

void make_model(const std::filesystem::path& path, const std::string& text) {
  write_text(path, tinyc::testing::model_from_text(text));
}

void patch_model(const std::filesystem::path& path, const std::string& text) {
  onnx::ModelProto model;
  if (!model.ParseFromString(read_text(path))) throw std::runtime_error("cannot parse " + path.string());
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string verb, name, argument, value;
    words >> verb >> name >> argument >> value;
    onnx::TensorProto& tensor = initializer(model, name);
    if (verb == "set") {
      tensor.set_float_data(std::stoi(argument), std::stof(value));
    } else if (verb == "fill") {
      fill(tensor, static_cast<unsigned>(std::stoul(argument)));
    } else if (verb == "external") {
      move_outside(tensor, argument);
    } else if (verb == "dims") {
      set_dims(tensor, argument);
    } else {
      throw std::runtime_error("unknown patch " + verb);
    }
  }
  write_text(path, model.SerializeAsString());
}

}  // namespace golden
