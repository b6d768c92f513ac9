// What the scatter ops do where an update lands: replace, or combine with what is there (ScatterElements, ScatterND).
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "tinyc/ir/data_type.h"

namespace tinyc {

// Combines `count` elements of an update into the elements at `to`.
using Landing = std::function<void(std::byte* to, const std::byte* update, size_t count)>;

// `reduction` is "none", "add", "mul", "min" or "max". Throws Error(kModel) for any other, and for element types that
// cannot be combined.
Landing landing_of(std::string_view reduction, DataType dtype);

}  // namespace tinyc
