#include "ops/scatter_reduction.h"

#include <algorithm>
#include <cstring>

#include "ops/element_types.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

template <typename Combine>
Landing combining(DataType dtype, Combine combine) {
  Landing landing;
  visit_type(NumericTypes(), dtype, [&]<typename T>(std::type_identity<T> /*type*/) {
    landing = [combine](std::byte* to, const std::byte* update, size_t count) {
      T* target = reinterpret_cast<T*>(to);
      const T* source = reinterpret_cast<const T*>(update);
      for (size_t i = 0; i < count; ++i) target[i] = combine(target[i], source[i]);
    };
  });
  return landing;
}

// Integers wrap around, as they do elsewhere.
template <typename T, typename Op>
T wrapping(T a, T b, Op op) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(op(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  } else {
    return op(a, b);
  }
}

}  // namespace

Landing landing_of(std::string_view reduction, DataType dtype) {
  if (reduction == "none") {
    const size_t element = element_bytes(dtype);
    return
        [element](std::byte* to, const std::byte* update, size_t count) { std::memcpy(to, update, count * element); };
  }
  if (reduction == "add") return combining(dtype, [](auto a, auto b) { return wrapping(a, b, std::plus<>()); });
  if (reduction == "mul") return combining(dtype, [](auto a, auto b) { return wrapping(a, b, std::multiplies<>()); });
  if (reduction == "min") return combining(dtype, [](auto a, auto b) { return std::min(a, b); });
  if (reduction == "max") return combining(dtype, [](auto a, auto b) { return std::max(a, b); });
  throw Error(ErrorKind::kModel, "attribute 'reduction' is '" + std::string(reduction) + "'",
              "the known ones are none, add, mul, min and max");
}

}  // namespace tinyc
