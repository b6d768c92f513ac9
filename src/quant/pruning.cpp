#include "tinyc/quant/pruning.h"

#include <algorithm>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {

#define TINYC_CRITERION(name) extern const CriterionDef k_criterion_##name;
#include "criterion_list.inc"
#undef TINYC_CRITERION

namespace {

#define TINYC_CRITERION(name) &k_criterion_##name,
constexpr const CriterionDef* kCriteria[] = {
#include "criterion_list.inc"
};
#undef TINYC_CRITERION

}  // namespace

std::span<const CriterionDef* const> all_criteria() {
  return kCriteria;
}

const CriterionDef& require_criterion(std::string_view name) {
  std::vector<std::string_view> names;
  for (const CriterionDef* def : kCriteria) {
    if (def->name == name) return *def;
    names.push_back(def->name);
  }
  throw Error(ErrorKind::kUsage, "unknown criterion '" + std::string(name) + "'", spelling_hint(name, names));
}

Quota::Quota(const PruneUnits& units) : of_(units.of) {
  for (int64_t first = 0; of_ > 0 && first < units.count(); first += of_) {
    left_.push_back(std::max<int64_t>(std::min(of_, units.count() - first) - units.kept, 0));
  }
}

Ranking rank_by_scores(const PruneInput& input, const Matrix& scores) {
  const PruneUnits& units = input.units;
  Ranking ranking;
  for (int64_t r = 0; r < scores.rows; ++r) {
    std::vector<Removal> all, &allowed = ranking.emplace_back();
    for (int64_t u = 0; u < units.count(); ++u) {
      double sum = 0;
      for (const int64_t column : units.unit(u)) sum += scores(r, column);
      all.push_back({sum / static_cast<double>(units.size), r, u});
    }
    std::stable_sort(all.begin(), all.end(), [](const Removal& a, const Removal& b) { return a.cost < b.cost; });
    Quota quota(units);
    for (const Removal& removal : all) {
      if (!quota.allows(removal.unit)) continue;
      quota.take(removal.unit);
      allowed.push_back(removal);
    }
  }
  return ranking;
}

GroupMask mask_of(const OutputError& error, const PruneUnits& units, std::span<const Removal> removals) {
  GroupMask mask{error.target.columns, std::vector<uint8_t>(error.target.elements.size(), 0)};
  for (const Removal& removal : removals) {
    for (const int64_t column : units.unit(removal.unit)) {
      mask.held[static_cast<size_t>(removal.row * mask.columns + column)] = 1;
    }
  }
  return mask;
}

std::vector<std::vector<Removal>> cheapest(std::span<const Ranking> groups, int64_t unit_size, int64_t weights) {
  std::vector<std::pair<Removal, size_t>> all;
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const std::vector<Removal>& row : groups[g]) {
      for (const Removal& removal : row) all.emplace_back(removal, g);
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first.cost < b.first.cost; });
  const auto wanted = static_cast<size_t>((weights + unit_size / 2) / unit_size);
  all.resize(std::min(all.size(), wanted));
  std::vector<std::vector<Removal>> chosen(groups.size());
  for (const auto& [removal, group] : all) chosen[group].push_back(removal);
  return chosen;
}

}  // namespace tinyc
