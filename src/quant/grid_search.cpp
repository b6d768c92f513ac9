#include "tinyc/quant/grid_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/grid_rows.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int64_t kRowsAtOnce = 8;  // swept together by a thread
// Candidate scales as shares of the one that holds the largest target; then around the best of these.
constexpr double kCoarse[] = {1.0, 0.94, 0.88, 0.82, 0.76, 0.7, 0.64, 0.58, 0.52, 0.46, 0.4};
constexpr double kFine[] = {0.98, 0.99, 1.01, 1.02, 1.03};
constexpr int kRounds = 2;          // of pairs, restarts and scale
constexpr int kPairRounds = 8;      // in each of these
constexpr double kStageMacs = 4e9;  // for the pairs of a layer, and for its restarts

class Search {
 public:
  Search(const GridSearch& given, int threads)
      : given_(given),
        threads_(threads),
        limits_{static_cast<double>(given.q_min), static_cast<double>(given.q_max), static_cast<double>(given.q_step)},
        scales_(given.scales) {
    groups_.reserve(given.groups.size());
    for (size_t g = 0; g < given.groups.size(); ++g) {
      const GroupMask held = given.held.empty() ? GroupMask() : given.held[g];
      groups_.emplace_back(OutputError{given.groups[g].h, best_with_zeros(given.groups[g], held, threads)},
                           given.factors.empty() ? Matrix() : given.factors[g], held);
      for (int64_t r = 0; r < groups_.back().rows(); ++r) rows_.push_back({g, r});
    }
  }

  GridPoint run() {
    const std::vector<std::vector<double>> finalists = rank_scales();
    std::vector<GridRow> best = finish(finalists[0]);
    std::vector<double> errors = sums_by_scale(best);
    std::vector<double> scales = scales_;
    for (size_t i = 1; i < finalists.size(); ++i) {
      const std::vector<GridRow> rows = finish(finalists[i]);
      const std::vector<double> found = sums_by_scale(rows);
      for (size_t r = 0; r < rows.size(); ++r) {
        const size_t idx = scale_idx(rows_[r]);
        if (found[idx] >= errors[idx]) continue;
        best[r] = rows[r];
        scales[idx] = scales_[idx];
      }
      for (size_t idx = 0; idx < errors.size(); ++idx) errors[idx] = std::min(errors[idx], found[idx]);
    }
    scales_ = std::move(scales);
    return point(best);
  }

 private:
  struct Place {
    size_t group;
    int64_t row;
  };
  size_t scale_idx(const Place& place) const { return given_.scale_of[place.group][static_cast<size_t>(place.row)]; }

  template <typename Visit>
  void in_parallel(std::vector<GridRow>& rows, Visit visit) const {
    parallel_for(static_cast<int64_t>(rows.size()), threads_,
                 [&](int64_t idx, int /*thread*/) { visit(rows[static_cast<size_t>(idx)], static_cast<size_t>(idx)); });
  }

  double allowed(size_t idx, double scale) const { return given_.storable(std::max(scale, given_.smallest[idx])); }

  // All stages for rows with these scales, which become scales_.
  std::vector<GridRow> finish(const std::vector<double>& scales) {
    scales_ = scales;
    std::vector<GridRow> rows = swept_rows();
    in_parallel(rows, [&](GridRow& row, size_t /*idx*/) { row.descend(limits_); });
    const int pair_rounds = affordable(kPairRounds, [](double k) { return 2 * k * k; });
    const int restarts = affordable(given_.restarts, [](double k) { return 20 * k; });
    for (int i = 0; i < kRounds && pair_rounds > 0; ++i) {
      in_parallel(rows, [&](GridRow& row, size_t idx) {
        row.descend_pairs(limits_, pair_rounds);
        if (restarts == 0) return;
        Rng rng(given_.seed, idx);
        row.restart(limits_, restarts, rng);
        row.descend_pairs(limits_, pair_rounds);
      });
      if (!refit_scales(rows)) break;
    }
    return rows;
  }

  // How many of `wanted` repetitions the budget allows, each at `cost` of a row's columns.
  template <typename Cost>
  int affordable(int wanted, Cost cost) const {
    double once = 0;
    for (const Place& place : rows_) once += cost(static_cast<double>(groups_[place.group].columns()));
    return static_cast<int>(std::min(static_cast<double>(wanted), kStageMacs / std::max(once, 1.0)));
  }

  std::vector<double> sums_by_scale(const std::vector<GridRow>& rows) const {
    std::vector<double> sums(scales_.size(), 0.0);
    for (size_t i = 0; i < rows.size(); ++i) sums[scale_idx(rows_[i])] += rows[i].error();
    return sums;
  }

  // The most promising scales, by what the sweep makes of them: [rank][scale].
  std::vector<std::vector<double>> rank_scales() const {
    std::vector<std::vector<Candidate>> seen(scales_.size());
    consider(scales_, seen);
    for (const double factor : kCoarse) consider(scaled(largest_scales(), factor), seen);
    std::vector<double> best(scales_.size());
    for (size_t i = 0; i < best.size(); ++i) best[i] = std::min_element(seen[i].begin(), seen[i].end())->scale;
    for (const double factor : kFine) consider(scaled(best, factor), seen);
    std::vector<std::vector<double>> ranked(static_cast<size_t>(std::max(given_.finalists, 1)), best);
    for (size_t i = 0; i < best.size(); ++i) {
      std::stable_sort(seen[i].begin(), seen[i].end());
      for (size_t rank = 0; rank < ranked.size(); ++rank)
        ranked[rank][i] = seen[i][std::min(rank, seen[i].size() - 1)].scale;
    }
    return ranked;
  }

  struct Candidate {
    double error, scale;
    // Of equals the first that was considered stays: today's scale is.
    friend bool operator<(const Candidate& a, const Candidate& b) { return a.error < b.error; }
  };

  void consider(const std::vector<double>& scales, std::vector<std::vector<Candidate>>& seen) const {
    const std::vector<double> errors = errors_of(scales);
    for (size_t i = 0; i < scales.size(); ++i) seen[i].push_back({errors[i], scales[i]});
  }

  std::vector<double> scaled(const std::vector<double>& scales, double factor) const {
    std::vector<double> result(scales.size());
    for (size_t i = 0; i < scales.size(); ++i) result[i] = allowed(i, scales[i] * factor);
    return result;
  }

  // Scales that hold the largest element of all their rows.
  std::vector<double> largest_scales() const {
    std::vector<double> largest(scales_.size(), 0.0);
    for (const Place& place : rows_) {
      const SortedError& group = groups_[place.group];
      double& most = largest[scale_idx(place)];
      for (int64_t k = 0; k < group.columns(); ++k) {
        most = std::max(most, std::abs(group.target()(place.row, k)) / group.scale_factor(place.row, k));
      }
    }
    for (size_t i = 0; i < largest.size(); ++i) largest[i] = largest[i] > 0 ? largest[i] / limits_.high : scales_[i];
    return largest;
  }

  // By scale: the error of the rows that have it, swept.
  std::vector<double> errors_of(const std::vector<double>& scales) const {
    std::vector<double> by_row(rows_.size());
    for_each_batch([&](size_t group, size_t first, std::span<const Place> places) {
      const std::vector<double> errors = sweep(groups_[group], lanes_of(places, scales), limits_).errors;
      std::copy(errors.begin(), errors.end(), by_row.begin() + static_cast<ptrdiff_t>(first));
    });
    std::vector<double> sums(scales.size(), 0.0);
    for (size_t i = 0; i < rows_.size(); ++i) sums[scale_idx(rows_[i])] += by_row[i];
    return sums;
  }

  std::vector<Lane> lanes_of(std::span<const Place> places, const std::vector<double>& scales) const {
    std::vector<Lane> lanes;
    for (const Place& place : places) lanes.push_back({place.row, scales[scale_idx(place)]});
    return lanes;
  }

  // Rows of one group, some at a time: visit(group, index of the first row, rows).
  template <typename Visit>
  void for_each_batch(Visit visit) const {
    std::vector<std::pair<size_t, size_t>> batches;
    for (size_t i = 0; i < rows_.size();) {
      size_t end = i;
      while (end < rows_.size() && rows_[end].group == rows_[i].group && end - i < kRowsAtOnce) ++end;
      batches.emplace_back(i, end - i);
      i = end;
    }
    parallel_for(static_cast<int64_t>(batches.size()), threads_, [&](int64_t idx, int /*thread*/) {
      const auto [first, count] = batches[static_cast<size_t>(idx)];
      visit(rows_[first].group, first, std::span(rows_).subspan(first, count));
    });
  }

  std::vector<GridRow> swept_rows() const {
    std::vector<std::vector<GridRow>> batches(rows_.size());
    for_each_batch([&](size_t group, size_t first, std::span<const Place> places) {
      const std::vector<Lane> lanes = lanes_of(places, scales_);
      const Matrix steps = sweep(groups_[group], lanes, limits_).steps;
      for (size_t i = 0; i < lanes.size(); ++i) {
        batches[first].emplace_back(groups_[group], lanes[i].row, lanes[i].scale, steps.row(static_cast<int64_t>(i)));
      }
    });
    std::vector<GridRow> rows;
    rows.reserve(rows_.size());
    for (std::vector<GridRow>& batch : batches) {
      for (GridRow& row : batch) rows.push_back(std::move(row));
    }
    return rows;
  }

  // The best scales for the integers as they are, and descent with them; true when an error fell.
  bool refit_scales(std::vector<GridRow>& rows) {
    std::vector<double> wanted(scales_.size(), 0.0), own(scales_.size(), 0.0);
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto [qht, qhq] = rows[i].scale_fit();
      wanted[scale_idx(rows_[i])] += qht;
      own[scale_idx(rows_[i])] += qhq;
    }
    std::vector<double> scales = scales_;
    for (size_t i = 0; i < scales.size(); ++i) {
      if (own[i] > 0 && wanted[i] > 0) scales[i] = allowed(i, wanted[i] / own[i]);
    }
    std::vector<GridRow> changed;
    for (size_t i = 0; i < rows.size(); ++i) changed.push_back(rows[i].with_scale(scales[scale_idx(rows_[i])]));
    in_parallel(changed, [&](GridRow& row, size_t /*idx*/) { row.descend(limits_); });
    const std::vector<double> before = sums_by_scale(rows), after = sums_by_scale(changed);
    bool fell = false;
    for (size_t i = 0; i < rows.size(); ++i) {
      const size_t idx = scale_idx(rows_[i]);
      if (after[idx] >= before[idx]) continue;
      rows[i] = changed[i];
      scales_[idx] = scales[idx];
      fell = true;
    }
    return fell;
  }

  GridPoint point(const std::vector<GridRow>& rows) const {
    GridPoint point;
    point.scales = scales_;
    for (const SortedError& group : groups_) point.steps.emplace_back(group.rows(), group.columns());
    for (size_t i = 0; i < rows.size(); ++i) {
      const Place& place = rows_[i];
      for (int64_t k = 0; k < groups_[place.group].columns(); ++k) {
        point.steps[place.group](place.row, groups_[place.group].column(k)) = rows[i].steps()[static_cast<size_t>(k)];
      }
      point.error += rows[i].error();
    }
    return point;
  }

  const GridSearch& given_;
  int threads_;
  GridLimits limits_;
  std::vector<SortedError> groups_;
  std::vector<Place> rows_;
  std::vector<double> scales_;
};

}  // namespace

GridPoint search_grid(const GridSearch& search, int threads) {
  return Search(search, threads).run();
}

}  // namespace tinyc
