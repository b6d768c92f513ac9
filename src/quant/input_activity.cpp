#include "quant/input_activity.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tinyc {
namespace {

constexpr int64_t kMostPositions = 4096;
constexpr size_t kBins = 16;

// Positions spread over all samples, [position][column].
std::vector<float> gather_some(std::span<const LinearForm> samples, int64_t group) {
  int64_t total = 0, seen = 0;
  for (const LinearForm& sample : samples) total += sample.positions;
  const int64_t stride = (total + kMostPositions - 1) / kMostPositions;
  std::vector<float> lines;
  for (const LinearForm& sample : samples) {
    for (int64_t p = 0; p < sample.positions; ++p, ++seen) {
      if (seen % stride != 0) continue;
      lines.resize(lines.size() + static_cast<size_t>(sample.columns));
      sample.gather(group, p, 1, lines.data() + lines.size() - sample.columns, sample.columns);
    }
  }
  return lines;
}

InputActivity activity_of(std::span<const float> values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  InputActivity activity{static_cast<double>(std::count(values.begin(), values.end(), 0.0F)) / count, 0.0};
  if (*low == *high) return activity;
  std::array<double, kBins> bins{};
  for (const float x : values) {
    const auto bin = static_cast<size_t>((x - *low) / (*high - *low) * static_cast<float>(kBins));
    bins[std::min(bin, kBins - 1)] += 1 / count;
  }
  for (const double share : bins) activity.entropy -= share > 0 ? share * std::log2(share) : 0;
  return activity;
}

}  // namespace

std::vector<InputActivity> input_activity(std::span<const LinearForm> samples, int64_t group) {
  if (samples.empty()) return {};
  const auto columns = static_cast<size_t>(samples.front().columns);
  const std::vector<float> lines = gather_some(samples, group);
  std::vector<InputActivity> activities;
  std::vector<float> values(lines.size() / columns);
  for (size_t c = 0; c < columns; ++c) {
    for (size_t p = 0; p < values.size(); ++p) values[p] = lines[p * columns + c];
    activities.push_back(activity_of(values));
  }
  return activities;
}

Ranking rank_by_activity(const PruneInput& input, double (*worth)(const InputActivity& column)) {
  const std::vector<InputActivity> activity = input_activity(input.samples, input.group);
  Matrix scores = input.error.target;
  for (int64_t r = 0; r < scores.rows; ++r) {
    for (int64_t c = 0; c < scores.columns; ++c) {
      scores(r, c) = std::abs(scores(r, c)) * (activity.empty() ? 1.0 : worth(activity[static_cast<size_t>(c)]));
    }
  }
  return rank_by_scores(input, scores);
}

}  // namespace tinyc
