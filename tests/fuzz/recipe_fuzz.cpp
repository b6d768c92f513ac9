// Any text read as a recipe is a recipe or a usage error; a recipe printed and read again is the same recipe.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tinyc/base/error.h"
#include "tinyc/driver/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tinyc;
  std::string printed;
  try {
    printed = print_recipe(parse_recipe({reinterpret_cast<const char*>(data), size}, "fuzz.toml"));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUsage) std::abort();
    return 0;
  }
  if (print_recipe(parse_recipe(printed, "printed.toml")) != printed) std::abort();
  return 0;
}
