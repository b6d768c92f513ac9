// Adam: descent on noisy slopes, in which each number moves by its mean slope beside the root of its mean square.
// Source: Kingma and Ba, Adam, 2014 (arXiv:1412.6980).
#pragma once

#include <cmath>
#include <vector>

namespace tinyc {

class Adam {
 public:
  explicit Adam(size_t count) : mean_(count, 0.0F), square_(count, 0.0F) {}

  // Begins a step at this rate.
  void next(double rate) {
    first_left_ *= 1 - static_cast<double>(kFirst);
    second_left_ *= 1 - static_cast<double>(kSecond);
    rate_ = static_cast<float>(rate * std::sqrt(1 - second_left_) / (1 - first_left_));
  }
  // What to add to number i, which has this slope; once a step.
  float move(size_t i, float slope) {
    mean_[i] += kFirst * (slope - mean_[i]);
    square_[i] += kSecond * (slope * slope - square_[i]);
    return -rate_ * mean_[i] / (std::sqrt(square_[i]) + kSmallest);
  }

 private:
  static constexpr float kFirst = 0.1F, kSecond = 0.001F, kSmallest = 1e-12F;
  std::vector<float> mean_, square_;
  double first_left_ = 1, second_left_ = 1;
  float rate_ = 0;
};

}  // namespace tinyc
