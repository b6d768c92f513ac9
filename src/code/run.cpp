// Makes the calls of a device program on the host.
#include "tinyc/base/error.h"
#include "tinyc/code/program.h"

namespace tinyc {

void run_device_program(const DeviceProgram& program, std::span<const void* const> inputs,
                        std::span<void* const> outputs, void* arena, const WriteObserver& observer) {
  TINYC_CHECK(inputs.size() == program.inputs.size() && outputs.size() == program.outputs.size());
  const auto place = [&](const CallArg& arg) -> const std::byte* {
    const DeviceBuffer& buffer = program.buffers[arg.id];
    if (buffer.bytes == 0) return nullptr;
    const auto idx = static_cast<size_t>(buffer.index);
    switch (buffer.home) {
      case DeviceBuffer::Home::kInput:
        return static_cast<const std::byte*>(inputs[idx]) + arg.offset;
      case DeviceBuffer::Home::kOutput:
        return static_cast<const std::byte*>(outputs[idx]) + arg.offset;
      case DeviceBuffer::Home::kArena:
        break;
    }
    return static_cast<const std::byte*>(arena) + buffer.offset + arg.offset;
  };
  std::vector<KernelArg> args;
  for (size_t i = 0; i < program.calls.size(); ++i) {
    const KernelCall& call = program.calls[i];
    args.clear();
    for (const CallArg& arg : call.args) {
      switch (arg.kind) {
        case CallArg::Kind::kNumber:
          args.push_back({nullptr, arg.number});
          break;
        case CallArg::Kind::kConstant:
          args.push_back({program.constants[arg.id].data.bytes() + arg.offset, 0});
          break;
        default:
          args.push_back({place(arg), 0});
      }
    }
    call.kernel->invoke(args.data());
    if (!observer) continue;
    for (size_t k = 0; k < call.args.size(); ++k) {
      const CallArg& arg = call.args[k];
      if (arg.kind == CallArg::Kind::kWrite) observer(BufferId(arg.id), i, place({arg.kind, 0, arg.id, 0}));
    }
  }
}

}  // namespace tinyc
