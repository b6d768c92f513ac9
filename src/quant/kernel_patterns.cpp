#include "tinyc/quant/kernel_patterns.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace tinyc {
namespace {

using Pattern = std::vector<int64_t>;  // taps that stay, rising

// What each tap of a kernel is worth.
struct Kernel {
  size_t group;
  int64_t row;
  int64_t first;  // of its units
  std::vector<double> worth;

  double worth_of(const Pattern& pattern) const {
    return std::accumulate(pattern.begin(), pattern.end(), 0.0,
                           [&](double sum, int64_t tap) { return sum + worth[static_cast<size_t>(tap)]; });
  }
  Pattern best(int64_t kept) const {
    Pattern taps(worth.size());
    std::iota(taps.begin(), taps.end(), int64_t{0});
    std::stable_sort(taps.begin(), taps.end(), [&](int64_t a, int64_t b) {
      return worth[static_cast<size_t>(a)] > worth[static_cast<size_t>(b)];
    });
    taps.resize(static_cast<size_t>(kept));
    std::sort(taps.begin(), taps.end());
    return taps;
  }
};

std::vector<Kernel> kernels_of(std::span<const Ranking> rankings, const PruneUnits& units, int64_t taps) {
  std::vector<Kernel> kernels;
  for (size_t g = 0; g < rankings.size(); ++g) {
    for (size_t r = 0; r < rankings[g].size(); ++r) {
      std::vector<double> worth(static_cast<size_t>(units.count()), 0.0);
      for (const Removal& removal : rankings[g][r]) worth[static_cast<size_t>(removal.unit)] = removal.cost;
      for (int64_t first = 0; first < units.count(); first += taps) {
        kernels.push_back({g, static_cast<int64_t>(r), first, {worth.begin() + first, worth.begin() + first + taps}});
      }
    }
  }
  return kernels;
}

std::vector<Pattern> choose_library(const std::vector<Kernel>& kernels, int64_t kept) {
  std::set<Pattern> candidates;
  for (const Kernel& kernel : kernels) candidates.insert(kernel.best(kept));
  std::vector<Pattern> library;
  std::vector<double> has(kernels.size(), 0.0);  // what each kernel keeps with the library so far
  while (library.size() < kMostPatterns && !candidates.empty()) {
    double most = -1;
    auto chosen = candidates.end();
    for (auto it = candidates.begin(); it != candidates.end(); ++it) {
      double gain = 0;
      for (size_t k = 0; k < kernels.size(); ++k) gain += std::max(0.0, kernels[k].worth_of(*it) - has[k]);
      if (gain <= most) continue;
      most = gain;
      chosen = it;
    }
    for (size_t k = 0; k < kernels.size(); ++k) has[k] = std::max(has[k], kernels[k].worth_of(*chosen));
    library.push_back(*chosen);
    candidates.erase(chosen);
  }
  return library;
}

}  // namespace

std::vector<GroupMask> hold_patterns(std::span<const Ranking> rankings, const PruneUnits& units, int64_t taps,
                                     int64_t kept) {
  const std::vector<Kernel> kernels = kernels_of(rankings, units, taps);
  const std::vector<Pattern> library = choose_library(kernels, kept);
  std::vector<GroupMask> masks;
  for (const Ranking& group : rankings) {
    masks.push_back({units.count(), std::vector<uint8_t>(group.size() * static_cast<size_t>(units.count()), 1)});
  }
  for (const Kernel& kernel : kernels) {
    const auto best = std::max_element(library.begin(), library.end(), [&](const Pattern& a, const Pattern& b) {
      return kernel.worth_of(a) < kernel.worth_of(b);
    });
    GroupMask& mask = masks[kernel.group];
    for (const int64_t tap : *best) {
      const int64_t column = units.columns[static_cast<size_t>(kernel.first + tap)];
      mask.held[static_cast<size_t>(kernel.row * mask.columns + column)] = 0;
    }
  }
  return masks;
}

}  // namespace tinyc
