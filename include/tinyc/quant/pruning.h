// Which weights of a layer can go at the least cost.
//
// A row's weights go in units: single weights, or some that lie together, such as a kernel. A criterion puts the units
// of each row in the order in which they go and says what each costs; the cheapest of all rows of a layer go first, and
// the costs of layers are compared by those who know what a layer's error does to the model (pass/prune_plan.h).
// One constant struct per criterion in src/quant/criteria/NAME.cpp and one line in src/quant/criterion_list.inc.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tinyc/quant/second_order.h"

namespace tinyc {

// The units of every row of a group.
struct PruneUnits {
  int64_t size = 1;              // columns of a unit
  std::vector<int64_t> columns;  // unit by unit
  // Of each so many neighbouring units (a last run may be shorter) so many stay; 0: of all, no matter how many.
  int64_t of = 0;
  int64_t kept = 0;

  int64_t count() const { return static_cast<int64_t>(columns.size()) / size; }
  std::span<const int64_t> unit(int64_t idx) const {
    return std::span(columns).subspan(static_cast<size_t>(idx * size), static_cast<size_t>(size));
  }
};

struct PruneInput {
  const OutputError& error;
  const PruneUnits& units;
  uint64_t seed = 0;  // of this group; for criteria that draw lots
  int threads = 1;
  int64_t group = 0;                         // of the layer
  std::span<const LinearForm> samples = {};  // the layer's data
  std::span<const double> row_scales = {};   // that BatchNormalization gave each row; empty: there was none
};

struct Removal {
  double cost;  // per weight, in units of the criterion; within a row it never falls
  int64_t row;
  int64_t unit;
};
using Ranking = std::vector<std::vector<Removal>>;  // by row, in the order in which units go

struct CriterionDef {
  std::string_view name;     // "obs": criteria/obs.cpp
  std::string_view summary;  // one line, for `tinyc list criteria`
  Ranking (*rank)(const PruneInput& input);
  // Whether costs are what the output's power loses, so that the costs of layers can be compared.
  bool costs_are_losses = false;
};

std::span<const CriterionDef* const> all_criteria();
// Throws Error(kUsage) with a spelling hint when there is none of that name.
const CriterionDef& require_criterion(std::string_view name);

// For criteria that score each weight by itself: a unit costs the mean of its weights' scores.
Ranking rank_by_scores(const PruneInput& input, const Matrix& scores);

// Where the removals hold the rows of a group at 0.
GroupMask mask_of(const OutputError& error, const PruneUnits& units, std::span<const Removal> removals);

// The cheapest removals of all groups of a layer: their first `weights` weights, rounded to whole units. By group.
std::vector<std::vector<Removal>> cheapest(std::span<const Ranking> groups, int64_t unit_size, int64_t weights);

// Units of which a quota still lets some go: keeps count while a row is taken apart.
class Quota {
 public:
  explicit Quota(const PruneUnits& units);
  bool allows(int64_t unit) const { return left_.empty() || left_[run_of(unit)] > 0; }
  void take(int64_t unit) {
    if (!left_.empty()) --left_[run_of(unit)];
  }

 private:
  size_t run_of(int64_t unit) const { return static_cast<size_t>(unit / of_); }

  int64_t of_;
  std::vector<int64_t> left_;  // by run; empty: no quota
};

}  // namespace tinyc
