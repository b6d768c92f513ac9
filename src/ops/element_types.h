// Choosing a kernel's C++ element type from a tensor's dtype.
#pragma once

#include <cstdint>
#include <type_traits>

#include "tinyc/base/error.h"
#include "tinyc/ir/data_type.h"

namespace tinyc {

template <typename... Ts>
struct TypeList {};

using FloatTypes = TypeList<float, double>;
using NumericTypes = TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;

// Calls visit(std::type_identity<T>{}) with the T of the list whose dtype is `dtype`. Throws Error(kModel) when none
// is.
template <typename... Ts, typename Visit>
void visit_type(TypeList<Ts...> /*types*/, DataType dtype, Visit&& visit) {
  const bool found =
      ((dtype == data_type_of<Ts>() ? (static_cast<void>(visit(std::type_identity<Ts>{})), true) : false) || ...);
  if (!found) {
    throw Error(ErrorKind::kModel, "element type " + std::string(name_of(dtype)) + " is not supported by this operator",
                "convert the model to float32");
  }
}

}  // namespace tinyc
