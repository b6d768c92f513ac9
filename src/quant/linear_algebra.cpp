#include "quant/linear_algebra.h"

#include <mutex>

namespace tinyc {

void fix_blocking() {
  constexpr std::ptrdiff_t kFirst = std::ptrdiff_t{32} << 10, kSecond = std::ptrdiff_t{512} << 10,
                           kThird = std::ptrdiff_t{4} << 20;
  static std::once_flag once;
  std::call_once(once, [] { Eigen::setCpuCacheSizes(kFirst, kSecond, kThird); });
}

}  // namespace tinyc
