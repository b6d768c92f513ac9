#include "emit/c/writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>

#include "tinyc/base/error.h"

namespace tinyc {

std::string c_identifier(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool good = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (good || (!name.empty() && name.back() != '_')) name += good ? c : '_';
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) name = "m" + name;
  return name;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

std::string_view c_type_of(DataType dtype) {
  switch (dtype) {
    case DataType::kInt8:
      return "int8_t";
    case DataType::kUint8:
    case DataType::kBool:
      return "uint8_t";
    case DataType::kInt16:
      return "int16_t";
    case DataType::kInt32:
      return "int32_t";
    case DataType::kInt64:
      return "int64_t";
    case DataType::kFloat:
      return "float";
    default:
      TINYC_CHECK(false);
      return {};
  }
}

std::string c_float(float value) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  std::string text = fmt::format("{:.9g}", std::clamp(value, -kLargest, kLargest));
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "F";
}

std::string port_macro(std::string_view kind, size_t idx, size_t count) {
  return upper(port_argument(kind, idx, count));
}

std::string port_argument(std::string_view kind, size_t idx, size_t count) {
  return count == 1 ? std::string(kind) : fmt::format("{}{}", kind, idx + 1);
}

std::string run_signature(const DeviceProgram& program, const CNames& names) {
  std::string text = "void " + names.name + "_run(";
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    text += fmt::format("const {} *{}, ", c_type_of(program.inputs[i].dtype),
                        port_argument("in", i, program.inputs.size()));
  }
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    text +=
        fmt::format("{} *{}, ", c_type_of(program.outputs[i].dtype), port_argument("out", i, program.outputs.size()));
  }
  return text + "void *arena)";
}

std::string c_banner(const CNames& names, std::string_view what) {
  const std::string recipe = names.recipe_hash.empty() ? "" : ", recipe " + names.recipe_hash;
  return fmt::format(
      "/* SPDX-License-Identifier: 0BSD\n"
      " * Permission to use, copy, modify, and/or distribute this file for any purpose with or without fee is "
      "granted.\n"
      " * THE SOFTWARE IS PROVIDED \"AS IS\" WITHOUT WARRANTY OF ANY KIND.\n"
      " *\n"
      " * {}: {} Written by tinyc {}{}; do not edit.\n",
      names.name, what, TINYC_VERSION, recipe);
}

std::string safe_comment(std::string text) {
  for (size_t at = text.find("*/"); at != std::string::npos; at = text.find("*/", at)) text.replace(at, 2, "* /");
  return text;
}

std::string c_elements(const Tensor& tensor) {
  std::string text;
  size_t line = 0;
  const auto add = [&](const std::string& element) {
    if (line + element.size() > 116) {
      text += "\n   ";
      line = 0;
    }
    if (line == 0 && text.empty()) text = "   ";
    text += " " + element + ",";
    line += element.size() + 2;
  };
  if (tensor.dtype() == DataType::kFloat) {
    for (float value : tensor.data<float>()) add(c_float(value));
  } else {
    for (int64_t value : tensor.to_int64()) add(value == INT32_MIN ? "-2147483647 - 1" : std::to_string(value));
  }
  return text + "\n";
}

}  // namespace tinyc
