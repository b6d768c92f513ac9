// The divergence that observers/entropy.cpp minimizes, apart so that a test can hold it against its definition.
#pragma once

#include <cstddef>
#include <vector>

namespace tinyc {

struct Window {  // of bins, [begin, end)
  size_t begin = 0;
  size_t end = 0;
  friend bool operator==(const Window&, const Window&) = default;
};

// KL(P || Q) in nats of a window of at least `levels` bins; `counts` must outlive it.
class Divergence {
 public:
  Divergence(const std::vector<double>& counts, size_t levels);
  double operator()(Window window) const;

 private:
  const std::vector<double>& counts_;
  size_t levels_;
  std::vector<double> mass_, filled_, x_log_x_;  // prefix sums of counts, of non-empty bins, of c log c
};

}  // namespace tinyc
