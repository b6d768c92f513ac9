#include "text/onnx_text.h"

#include <onnx/defs/parser.h>

#include <stdexcept>

namespace tinyc::testing {

std::string model_from_text(std::string_view text) {
  onnx::ModelProto model;
  const auto status = onnx::OnnxParser::Parse(model, std::string(text).c_str());
  if (!status.IsOK()) throw std::runtime_error(status.ErrorMessage());
  return model.SerializeAsString();
}

}  // namespace tinyc::testing
