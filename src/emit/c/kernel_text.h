// The device kernels as text, for the C emitter. The table is made by cmake/embed.cmake from src/rt.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tinyc {

struct KernelText {
  std::string_view name;  // "conv_s8.h"
  std::string_view text;
};

std::span<const KernelText> all_kernel_texts();

// The texts of these files and of all that they include, each once, in an order that compiles; includes of each other
// and include guards are left out.
std::string collect_kernels(std::span<const std::string_view> files);

}  // namespace tinyc
