#include "tinyc/quant/saturation.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tinyc {
namespace {

constexpr int32_t kLeast = -32768;
constexpr int32_t kMost = 32767;

// What the instruction sees of a number: its step above the lowest of the grid.
int32_t unsigned_code(float number, const QParams& params) {
  const double steps = std::nearbyint(static_cast<double>(number) / static_cast<double>(params.scales[0]));
  const double code = steps + params.zero_points[0];
  return static_cast<int32_t>(std::clamp<double>(code, params.q_min, params.q_max)) - params.q_min;
}

class Counter {
 public:
  explicit Counter(const SaturationQuery& query) : query_(query) {}

  void add_position(const LinearForm& form, int64_t group, int64_t position) {
    std::vector<float> numbers(static_cast<size_t>(form.columns));
    form.gather(group, position, 1, numbers.data(), form.columns);
    codes_.resize(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) codes_[i] = unsigned_code(numbers[i], query_.input);
    for (int64_t row = 0; row < form.rows; ++row) {
      ++count_.results;
      count_.cut += is_cut(form, group, row) ? 1 : 0;
    }
  }

  const SaturationCount& count() const { return count_; }

 private:
  bool is_cut(const LinearForm& form, int64_t group, int64_t row) const {
    const int64_t channels = form.columns / query_.taps;
    const auto product = [&](int64_t channel, int64_t tap) {
      const int64_t column = channel * query_.taps + tap;
      return codes_[static_cast<size_t>(column)] *
             query_.codes[static_cast<size_t>(form.weight_at(group, row, column))];
    };
    for (int64_t tap = 0; tap < query_.taps; ++tap) {
      for (int64_t channel = 0; channel + 1 < channels; channel += 2) {
        const int32_t sum = product(channel, tap) + product(channel + 1, tap);
        if (sum < kLeast || sum > kMost) return true;
      }
    }
    return false;
  }

  const SaturationQuery& query_;
  std::vector<int32_t> codes_;
  SaturationCount count_;
};

}  // namespace

SaturationCount count_saturation(const SaturationQuery& query) {
  int64_t positions = 0;
  for (const LinearForm& form : query.forms) positions += form.positions * form.groups;
  const int64_t stride = std::max<int64_t>((positions + query.most_positions - 1) / query.most_positions, 1);
  Counter counter(query);
  int64_t at = 0;
  for (const LinearForm& form : query.forms) {
    for (int64_t i = 0; i < form.positions * form.groups; ++i, ++at) {
      if (at % stride == 0) counter.add_position(form, i % form.groups, i / form.groups);
    }
  }
  return counter.count();
}

}  // namespace tinyc
