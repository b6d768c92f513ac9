// NAME.h: how to call the model, what its bytes mean, and how much memory it needs.
#include <fmt/core.h>

#include "emit/c/writer.h"

namespace tinyc {
namespace {

std::string dims_text(const DevicePort& port) {
  std::string text;
  for (int64_t dim : ordered(port.dims, port.order)) text += fmt::format("[{}]", dim);
  return text.empty() ? "one element" : text;
}

std::string port_text(const CNames& names, const DevicePort& port, std::string_view argument, std::string_view macro) {
  const std::string prefix = upper(names.name) + "_" + std::string(macro);
  std::string text = fmt::format("/* {}: '{}', {} {}", argument, port.name, c_type_of(port.dtype), dims_text(port));
  if (port.on_grid) text += ", real = SCALE * (byte - ZERO_POINT)";
  text += fmt::format(" */\n#define {}_BYTES {}\n#define {}_SIZE {}\n", prefix, port.bytes, prefix,
                      element_count(port.dims));
  if (port.on_grid) {
    text += fmt::format("#define {}_SCALE {}\n#define {}_ZERO_POINT ({})\n", prefix, c_float(port.grid.scale), prefix,
                        port.grid.zero_point);
  }
  return text + "\n";
}

// Inline, so that a program that does not call them has no floating point.
std::string converters(const CNames& names) {
  return fmt::format(R"(/* Floats to the bytes of the first input: rounded half to even, out of range to the ends. */
static inline void {0}_quantize_input(const float *real, int8_t *bytes) {{
  int32_t i;
  for (i = 0; i < {1}_INPUT_SIZE; i++) {{
    const float steps = real[i] / {1}_INPUT_SCALE;
    const float low = (float)(-128 - {1}_INPUT_ZERO_POINT);
    const float high = (float)(127 - {1}_INPUT_ZERO_POINT);
    const float inside = steps < low ? low : (steps > high ? high : steps);
    const volatile float shifted = inside + 12582912.0F;
    bytes[i] = (int8_t)((int32_t)(shifted - 12582912.0F) + {1}_INPUT_ZERO_POINT);
  }}
}}

/* The bytes of the first output to floats. */
static inline void {0}_dequantize_output(const int8_t *bytes, float *real) {{
  int32_t i;
  for (i = 0; i < {1}_OUTPUT_SIZE; i++) real[i] = {1}_OUTPUT_SCALE * (float)(bytes[i] - {1}_OUTPUT_ZERO_POINT);
}}

)",
                     names.name, upper(names.name));
}

}  // namespace

std::string emit_c_header(const DeviceProgram& program, const CNames& names) {
  const std::string guard = upper(names.name) + "_H";
  std::string text = c_banner(names, "how to run the model.");
  text += fmt::format(
      " *\n"
      " * {0}_run computes one inference. It keeps nothing between calls, allocates nothing, and may run on several\n"
      " * threads at once, each with an arena of its own: {1}_ARENA_BYTES bytes, 16-byte aligned, contents "
      "irrelevant.\n"
      " */\n#ifndef {2}\n#define {2}\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
      "#define {1}_ARENA_BYTES {3}\n\n",
      names.name, upper(names.name), guard, program.arena_bytes);
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    text += port_text(names, program.inputs[i], port_argument("in", i, program.inputs.size()),
                      port_macro("input", i, program.inputs.size()));
  }
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    text += port_text(names, program.outputs[i], port_argument("out", i, program.outputs.size()),
                      port_macro("output", i, program.outputs.size()));
  }
  text += run_signature(program, names) + ";\n\n";
  if (has_streams(program)) text += check_declaration(names);
  const bool simple = program.inputs.size() == 1 && program.outputs.size() == 1 && program.inputs[0].on_grid &&
                      program.outputs[0].on_grid;
  if (simple) text += converters(names);
  return text + "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
}

}  // namespace tinyc
