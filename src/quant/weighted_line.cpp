#include "quant/weighted_line.h"

#include <algorithm>
#include <utility>

namespace tinyc {
namespace {

constexpr int kMostRounds = 200;
constexpr double kGain = 1e-7;  // share of the error that a round must gain to be followed by another

void make_ascending(std::vector<double>& centres, bool with_zero) {
  if (with_zero && std::find(centres.begin(), centres.end(), 0.0) == centres.end()) centres.push_back(0.0);
  std::sort(centres.begin(), centres.end());
  centres.erase(std::unique(centres.begin(), centres.end()), centres.end());
}

}  // namespace

WeightedLine::WeightedLine(std::vector<WeightedNumber> numbers) : numbers_(std::move(numbers)) {
  std::sort(numbers_.begin(), numbers_.end(), [](const WeightedNumber& a, const WeightedNumber& b) {
    return std::pair(a.x, a.weight) < std::pair(b.x, b.weight);
  });
  sums_.reserve(numbers_.size() + 1);
  Sums sum;
  sums_.push_back(sum);
  for (const auto& [x, weight] : numbers_) {
    sum.weight += weight;
    sum.first += weight * x;
    sum.second += weight * x * x;
    sums_.push_back(sum);
  }
}

std::vector<size_t> WeightedLine::ends(std::span<const double> centres) const {
  std::vector<size_t> ends;
  for (size_t i = 1; i < centres.size(); ++i) {
    const auto end = std::lower_bound(numbers_.begin(), numbers_.end(), (centres[i - 1] + centres[i]) / 2,
                                      [](const WeightedNumber& number, double cut) { return number.x < cut; });
    ends.push_back(static_cast<size_t>(end - numbers_.begin()));
  }
  ends.push_back(numbers_.size());
  return ends;
}

double WeightedLine::error(std::span<const double> centres) const {
  double error = 0;
  size_t first = 0, i = 0;
  for (const size_t end : ends(centres)) {
    const Sums &before = sums_[first], &behind = sums_[end];
    const double c = centres[i++];
    error +=
        behind.second - before.second - 2 * c * (behind.first - before.first) + c * c * (behind.weight - before.weight);
    first = end;
  }
  return error;
}

WeightedLine::Start WeightedLine::linear(size_t count) const {
  const double low = numbers_.front().x, high = numbers_.back().x;
  Start start;
  for (size_t i = 0; i < count; ++i) {
    start.push_back(low + (high - low) * (static_cast<double>(i) + 0.5) / static_cast<double>(count));
  }
  return start;
}

WeightedLine::Start WeightedLine::density(size_t count) const {
  Start start;
  for (size_t i = 0; i < count; ++i) {
    const double wanted = sums_.back().weight * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    const auto found = std::lower_bound(sums_.begin() + 1, sums_.end() - 1, wanted,
                                        [](const Sums& sum, double weight) { return sum.weight < weight; });
    start.push_back(numbers_[static_cast<size_t>(found - sums_.begin()) - 1].x);
  }
  return start;
}

WeightedLine::Start WeightedLine::plus_plus(size_t count, bool with_zero, Rng& rng) const {
  Start start;
  std::vector<double> parts;  // by number: what it adds to the error
  for (const WeightedNumber& number : numbers_) parts.push_back(number.weight);
  const auto add = [&](double centre) {
    const bool first = start.empty();
    start.push_back(centre);
    for (size_t i = 0; i < parts.size(); ++i) {
      const double away = numbers_[i].x - centre, part = numbers_[i].weight * away * away;
      parts[i] = first ? part : std::min(parts[i], part);
    }
  };
  if (with_zero) add(0.0);
  while (start.size() < count) {
    double total = 0;
    for (const double part : parts) total += part;
    if (total <= 0) break;
    double left = rng.uniform() * total;
    size_t drawn = 0;
    for (; drawn + 1 < parts.size() && left >= parts[drawn]; ++drawn) left -= parts[drawn];
    add(numbers_[drawn].x);
  }
  return start;
}

void WeightedLine::improve(std::vector<double>& centres, bool with_zero) const {
  double before = error(centres);
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<double> moved = centres;
    size_t first = 0, i = 0;
    for (const size_t end : ends(centres)) {
      const double weight = sums_[end].weight - sums_[first].weight;
      const bool fixed = with_zero && centres[i] == 0;
      if (weight > 0 && !fixed) moved[i] = (sums_[end].first - sums_[first].first) / weight;
      first = end;
      ++i;
    }
    make_ascending(moved, with_zero);
    const double now = error(moved);
    if (now >= before) return;
    centres = std::move(moved);
    if (now > before * (1 - kGain)) return;
    before = now;
  }
}

std::vector<double> WeightedLine::cluster(size_t count, bool with_zero, Rng& rng) const {
  const size_t free = with_zero ? count - 1 : count;
  std::vector<double> best;
  double least = 0;
  for (std::vector<double> centres : {linear(free), density(free), plus_plus(count, with_zero, rng)}) {
    if (centres.empty()) centres.push_back(0.0);
    make_ascending(centres, with_zero);
    improve(centres, with_zero);
    const double error = this->error(centres);
    if (!best.empty() && error >= least) continue;
    least = error;
    best = std::move(centres);
  }
  return best;
}

}  // namespace tinyc
