// NAME.c: the kernels that the model needs, its constants, and one function that makes the calls.
//
// Nothing here writes a loop: kernels are pasted as they stand in src/rt, and calls have literal numbers, so that the
// compiler specializes what it inlines.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "emit/c/kernel_text.h"
#include "emit/c/writer.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

std::vector<std::string> constant_names(const DeviceProgram& program, const CNames& names) {
  std::vector<std::string> result;
  std::set<std::string> taken;
  for (const DeviceConstant& constant : program.constants) {
    const std::string base = names.name + "_" + c_identifier(constant.name);
    std::string name = base;
    for (int i = 2; !taken.insert(name).second; ++i) name = fmt::format("{}_{}", base, i);
    result.push_back(std::move(name));
  }
  return result;
}

std::string constants_text(const DeviceProgram& program, const CNames& names, const std::vector<std::string>& ids) {
  const std::string section = upper(names.name) + "_CONST";
  std::string text = fmt::format(
      "/* Put in front of every constant: a section attribute, for instance. */\n#ifndef {0}\n#define {0}\n#endif\n",
      section);
  for (size_t i = 0; i < ids.size(); ++i) {
    const Tensor& data = program.constants[i].data;
    text += fmt::format("\n{} TC_ALIGN static const {} {}[{}] = {{\n{}}};\n", section, c_type_of(data.dtype()), ids[i],
                        data.size(), c_elements(data));
  }
  return text;
}

std::string memory_map(const DeviceProgram& program) {
  std::string text = " *\n * The arena, by call: bytes from..to of what each call writes, and of its scratch.\n";
  for (size_t i = 0; i < program.calls.size(); ++i) {
    const KernelCall& call = program.calls[i];
    std::string line;
    for (const CallArg& arg : call.args) {
      if (arg.kind != CallArg::Kind::kWrite && arg.kind != CallArg::Kind::kScratch) continue;
      const DeviceBuffer& buffer = program.buffers[arg.id];
      if (buffer.home != DeviceBuffer::Home::kArena || buffer.bytes == 0) continue;
      line += fmt::format(" {}{}..{}", arg.kind == CallArg::Kind::kScratch ? "scratch " : "", buffer.offset,
                          buffer.offset + buffer.bytes);
    }
    text += fmt::format(" *   {:<24}{} <- {}\n", call.kernel->name, line, safe_comment(program.nodes[call.node]));
  }
  return text;
}

// `offset` bytes from a pointer to elements of `dtype`, as a pointer of that type.
std::string pointer(const std::string& name, DataType dtype, int64_t offset, std::string_view type, bool is_const) {
  const std::string own = std::string(is_const ? "const " : "") + std::string(c_type_of(dtype)) + " *";
  const bool fits = type == own || type == "const " + own || type.ends_with("void *");
  if (fits && offset % (bits_of(dtype) / 8) == 0) {
    return offset == 0 ? name : fmt::format("{} + {}", name, offset / (bits_of(dtype) / 8));
  }
  const std::string bytes = fmt::format("({} *){}", is_const ? "const uint8_t" : "uint8_t", name);
  return offset == 0 ? fmt::format("({}){}", type, name) : fmt::format("({})({} + {})", type, bytes, offset);
}

std::string argument(const DeviceProgram& program, const std::vector<std::string>& ids, const CallArg& arg,
                     std::string_view type) {
  if (arg.kind == CallArg::Kind::kNumber) return std::to_string(arg.number);
  if (arg.kind == CallArg::Kind::kConstant) {
    return pointer(ids[arg.id], program.constants[arg.id].data.dtype(), arg.offset, type, true);
  }
  const DeviceBuffer& buffer = program.buffers[arg.id];
  if (buffer.bytes == 0) return "0";
  const auto idx = static_cast<size_t>(buffer.index);
  switch (buffer.home) {
    case DeviceBuffer::Home::kInput:
      return pointer(port_argument("in", idx, program.inputs.size()), program.inputs[idx].dtype, arg.offset, type,
                     true);
    case DeviceBuffer::Home::kOutput:
      return pointer(port_argument("out", idx, program.outputs.size()), program.outputs[idx].dtype, arg.offset, type,
                     false);
    case DeviceBuffer::Home::kArena:
      break;
  }
  return fmt::format("({})(memory + {})", type, buffer.offset + arg.offset);
}

std::string run_text(const DeviceProgram& program, const CNames& names, const std::vector<std::string>& ids) {
  std::string text = run_signature(program, names) + " {\n";
  text += program.arena_bytes > 0 ? "  uint8_t *const memory = (uint8_t *)arena;\n" : "  (void)arena;\n";
  size_t node = program.nodes.size();
  for (const KernelCall& call : program.calls) {
    if (call.node != node) text += fmt::format("  /* {} */\n", program.nodes[call.node]);
    node = call.node;
    std::string line = fmt::format("  {}(", call.kernel->name);
    for (size_t i = 0; i < call.args.size(); ++i) {
      const std::string arg = argument(program, ids, call.args[i], call.kernel->parameters[i]);
      const std::string_view end = i + 1 == call.args.size() ? ");" : ", ";
      const size_t start = line.rfind('\n') == std::string::npos ? 0 : line.rfind('\n') + 1;
      if (line.size() - start + arg.size() + end.size() > 118) {
        if (line.back() == ' ') line.pop_back();
        line += "\n      ";
      }
      line += arg + std::string(end);
    }
    text += line + "\n";
  }
  return text + "}\n";
}

}  // namespace

std::string emit_c_source(const DeviceProgram& given, const CNames& names) {
  DeviceProgram program = given;
  for (std::string& node : program.nodes) node = safe_comment(node);
  std::vector<std::string_view> files;
  for (const KernelCall& call : program.calls) files.push_back(call.kernel->file);
  if (has_streams(program)) files.push_back("checksum.h");
  const std::vector<std::string> ids = constant_names(program, names);
  std::string text = c_banner(names, "the model.") + memory_map(program) + " */\n";
  text +=
      "#if defined(__GNUC__) && !defined(__clang__) && defined(__arm__)\n"
      "#pragma GCC optimize(\"no-schedule-insns\") /* the scheduler would spill the products' registers */\n#endif\n\n";
  text += fmt::format("#include \"{}.h\"\n", names.name);
  text += collect_kernels(files);
  text += "\n" + constants_text(program, names, ids) + "\n";
  text += run_text(program, names, ids);
  return has_streams(program) ? text + check_text(program, names, ids) : text;
}

}  // namespace tinyc
