// The bound of coders that know nothing but how often each level occurs.
#pragma once

#include <span>

#include "tinyc/coding/coder.h"

namespace tinyc {

// The empirical entropy of order 0, of all levels together: sum of -log2(count / size), in bits. No table is counted.
double entropy_bits(std::span<const int8_t> levels);

}  // namespace tinyc
