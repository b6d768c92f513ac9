// NAME_check: whether the coded weights in flash are those that were emitted.
//
// Decoders stay within stream and arena whatever a stream holds, but no coder notices every change: one index or code
// may become another. So all streams have one checksum, rt/checksum.h, computed here and compared there.
#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "emit/c/writer.h"

namespace tinyc {
namespace {

bool is_stream(const DeviceConstant& constant) {
  return !constant.form.coding.empty() && constant.data.dtype() == DataType::kUint8;
}

uint32_t add_to_checksum(uint32_t sum, const Tensor& data) {
  for (const std::byte byte : std::span(data.bytes(), data.byte_size())) {
    sum = (sum ^ std::to_integer<uint32_t>(byte)) * 16777619U;
  }
  return sum;
}

}  // namespace

bool has_streams(const DeviceProgram& program) {
  return std::any_of(program.constants.begin(), program.constants.end(), is_stream);
}

std::string check_declaration(const CNames& names) {
  return fmt::format(
      "/* 0 where all coded weights are as they were emitted: for a self-test. {0}_run does not look. */\n"
      "int32_t {0}_check(void);\n\n",
      names.name);
}

std::string check_text(const DeviceProgram& program, const CNames& names, const std::vector<std::string>& ids) {
  std::string text = fmt::format("\nint32_t {}_check(void) {{\n  uint32_t sum = TC_NO_BYTES;\n", names.name);
  uint32_t sum = 2166136261U;
  for (size_t i = 0; i < ids.size(); ++i) {
    const DeviceConstant& constant = program.constants[i];
    if (!is_stream(constant)) continue;
    text += fmt::format("  sum = tc_checksum(sum, {}, {});\n", ids[i], constant.data.byte_size());
    sum = add_to_checksum(sum, constant.data);
  }
  return text + fmt::format("  return sum != {}U;\n}}\n", sum);
}

}  // namespace tinyc
