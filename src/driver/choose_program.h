// Which coders the weights of a device program are stored by.
#pragma once

#include <memory>

#include "tinyc/code/program.h"
#include "tinyc/driver/targets.h"

namespace tinyc {

// The program of the least flash: each layer in its smallest form, with all coders, one of them, or none, since each
// brings a decoder. With `fast` a layer is coded only where that makes it at most a quarter slower.
// Flash and instructions are those predicted for the target.
std::shared_ptr<const DeviceProgram> choose_program(const Graph& graph, std::span<const CoderDef* const> all, bool fast,
                                                    const TargetDef& target, DeviceOptions options);

}  // namespace tinyc
