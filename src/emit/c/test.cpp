// NAME_test.c: inputs, the bytes that the host computed for them, and a comparison.
#include <fmt/core.h>

#include "emit/c/writer.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

std::string array(std::string_view type, const std::string& name, const std::vector<Tensor>& parts) {
  int64_t size = 0;
  std::string text;
  for (const Tensor& part : parts) {
    text += c_elements(part);
    size += part.size();
  }
  return fmt::format("static const {} {}[{}] = {{\n{}}};\n\n", type, name, size, text);
}

}  // namespace

std::string emit_c_test(const DeviceProgram& program, const CNames& names,
                        const std::vector<std::vector<Tensor>>& samples) {
  const size_t inputs = program.inputs.size();
  const size_t outputs = program.outputs.size();
  std::vector<std::vector<Tensor>> in(inputs);
  std::vector<std::vector<Tensor>> expected(outputs);
  const auto arena = allocate_bytes(static_cast<size_t>(program.arena_bytes) + 1);
  for (const std::vector<Tensor>& sample : samples) {
    std::vector<const void*> sources;
    std::vector<void*> targets;
    std::vector<Tensor> results;
    for (size_t i = 0; i < inputs; ++i) {
      in[i].push_back(sample[i]);
      sources.push_back(sample[i].bytes());
    }
    for (const DevicePort& port : program.outputs) results.push_back(Tensor::zeros(port.dtype, port.dims));
    for (Tensor& result : results) targets.push_back(result.mutable_bytes());
    run_device_program(program, sources, targets, arena.get());
    for (size_t i = 0; i < outputs; ++i) expected[i].push_back(results[i]);
  }
  const std::string macro = upper(names.name);
  std::string text = c_banner(names, "checks the model against what the host computed.") + " */\n";
  text += fmt::format("#include \"{}.h\"\n\n#include <string.h>\n\n#define SAMPLES {}\n\n", names.name, samples.size());
  std::string call;
  std::string buffers;
  std::string checks;
  for (size_t i = 0; i < inputs; ++i) {
    const std::string name = port_argument("in", i, inputs);
    const std::string size = macro + "_" + port_macro("input", i, inputs) + "_SIZE";
    text += array(c_type_of(program.inputs[i].dtype), "test_" + name, in[i]);
    call += fmt::format("test_{} + sample * {}, ", name, size);
  }
  for (size_t i = 0; i < outputs; ++i) {
    const std::string name = port_argument("out", i, outputs);
    const std::string size = macro + "_" + port_macro("output", i, outputs) + "_SIZE";
    const std::string_view type = c_type_of(program.outputs[i].dtype);
    text += array(type, "test_" + name, expected[i]);
    buffers += fmt::format("static {} {}[{}];\n", type, name, size);
    call += name + ", ";
    checks += fmt::format(
        "    for (i = 0; i < {1}; i++) wrong += memcmp(&{0}[i], &test_{0}[sample * {1} + i], sizeof {0}[0]) != 0;\n",
        name, size);
  }
  text += fmt::format(
      "static uint64_t arena[{0}_ARENA_BYTES / 8 + 2];\n{1}\n"
      "/* The number of wrong outputs. */\nint {2}_test(void);\nint {2}_test(void) {{\n"
      "  void *const aligned = (void *)(((uintptr_t)arena + 15) & ~(uintptr_t)15);\n"
      "  int wrong = {5};\n  int32_t sample, i;\n  for (sample = 0; sample < SAMPLES; sample++) {{\n"
      "    memset(arena, (int)(sample * 37), sizeof arena);\n    {2}_run({3}aligned);\n{4}  }}\n  return wrong;\n}}\n\n"
      "#ifndef TINYC_NO_MAIN\nint main(void) {{ return {2}_test() == 0 ? 0 : 1; }}\n#endif\n",
      macro, buffers, names.name, call, checks, has_streams(program) ? names.name + "_check() != 0" : "0");
  return text;
}

}  // namespace tinyc
