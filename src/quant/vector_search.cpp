#include "quant/vector_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "quant/codebook_rows.h"
#include "quant/vector_clusters.h"
#include "quant/vector_equations.h"
#include "quant/vector_rows.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int kMostRounds = 8;
constexpr double kGain = 1e-3;       // share of the error that a round must gain to be followed by another
constexpr int kScaleTries = 3;       // of a row, to either side
constexpr double kScaleStep = 0.15;  // octaves between them
constexpr int64_t kRowsAtOnce = 8;   // of a group, swept together

class Search {
 public:
  Search(const CodebookSearch& given, int threads)
      : given_(given), threads_(threads), rows_(given, threads), needs_zero_(rows_.finds_zeros()) {
    for (const Place& place : rows_.places()) {
      if (parts_.empty() || parts_.back().group != place.group || parts_.back().count == kRowsAtOnce) {
        parts_.push_back({place.group, place_count_, 0});
      }
      ++parts_.back().count;
      ++place_count_;
    }
  }

  CodebookPoint run() {
    State best = assigned(first_choice(), {});
    for (int round = 0; round < kMostRounds; ++round) {
      State next = assigned(solved(best), best.rows);
      if (next.error >= best.error) break;
      const bool still = next.error > best.error * (1 - kGain);
      best = std::move(next);
      if (still) break;
    }
    return point(best);
  }

 private:
  struct Choice {
    Entries codebook;  // integers
    std::vector<double> scales;
  };

  struct State {
    Choice choice;
    std::vector<VectorRow> rows;  // by place
    double error = 0;
  };

  // Places of one group that one thread treats.
  struct Part {
    size_t group, first;
    int64_t count;
  };

  WeightedVectors vectors_with(std::span<const double> scales) const {
    const auto length = static_cast<Eigen::Index>(given_.length);
    Eigen::Index count = 0;
    for (const Place& place : rows_.places()) count += rows_.group_of(place).columns() / length;
    WeightedVectors vectors{RowMajor(count, length), RowMajor(count, length), {}};
    for (const Place& place : rows_.places()) {
      const SortedError& group = rows_.group_of(place);
      const double scale = scales[rows_.index(place)];
      for (int64_t first = 0; first < group.columns(); first += length) {
        uint64_t held = 0;
        for (int64_t j = 0; j < length; ++j) {
          const auto row = std::ssize(vectors.held);
          vectors.x(row, j) = group.target()(place.row, first + j) / scale;
          vectors.weight(row, j) = scale * scale * group.diagonal()[static_cast<size_t>(first + j)];
          if (group.is_held(place.row, first + j)) held |= uint64_t{1} << j;
        }
        vectors.held.push_back(held);
      }
    }
    return vectors;
  }

  Choice first_choice() const {
    Choice best;
    double least = HUGE_VAL;
    uint64_t stream = 0;
    for (const std::vector<double>& scales : {rows_.by_power(), rows_.by_largest()}) {
      const WeightedVectors vectors = vectors_with(scales);
      Rng rng(given_.seed, stream++);
      const Entries real = cluster_vectors(vectors, Eigen::Index{1} << given_.bits, needs_zero_, rng, threads_);
      Choice made = choice(real, scales);
      Entries rounded = made.codebook;
      rounded.values *= factor_of(real);
      const double error = clustering_error(vectors, rounded, threads_);
      if (error >= least) continue;
      least = error;
      best = std::move(made);
    }
    return best;
  }

  double factor_of(const Entries& entries) const {
    return rows_.factor_of({entries.values.data(), static_cast<size_t>(entries.values.size())});
  }

  // Rounds real values to integers.
  Choice choice(const Entries& real, std::vector<double> scales) const {
    const double factor = factor_of(real), limit = given_.q_max;
    for (double& scale : scales) scale *= factor;
    Choice made{real, rows_.storable(std::move(scales))};
    for (double& c : made.codebook.values.reshaped()) c = std::clamp(std::nearbyint(c / factor), -limit, limit) + 0.0;
    return made;
  }

  // Of each row the better of a sweep, with its scale or one near it, and of the entries that it had; `before` may be
  // empty.
  State assigned(Choice choice, std::span<const VectorRow> before) const {
    State state{std::move(choice), std::vector<VectorRow>(place_count_), 0};
    parallel_for(std::ssize(parts_), threads_, [&](int64_t idx, int /*thread*/) {
      const Part& part = parts_[static_cast<size_t>(idx)];
      const VectorRows rows(rows_.groups()[part.group], state.choice.codebook);
      for (size_t i = part.first; i < part.first + static_cast<size_t>(part.count); ++i) {
        const Place& place = rows_.places()[i];
        const double scale = state.choice.scales[rows_.index(place)];
        std::vector<VectorRow> tried = rows.swept(rows_.lanes(place, scale, kScaleTries, kScaleStep));
        state.rows[i] = std::move(*std::min_element(
            tried.begin(), tried.end(), [](const VectorRow& a, const VectorRow& b) { return a.error < b.error; }));
        rows.descend(place.row, state.rows[i]);
        if (before.empty()) continue;
        VectorRow other{before[i].entries, scale, 0};
        rows.descend(place.row, other);
        if (other.error < state.rows[i].error) state.rows[i] = std::move(other);
      }
    });
    for (size_t i = 0; i < place_count_; ++i) {
      state.error += state.rows[i].error;
      state.choice.scales[rows_.index(rows_.places()[i])] = state.rows[i].scale;
    }
    return state;
  }

  // Scales, then entries, that are best with the indices that the rows have.
  Choice solved(const State& state) const {
    std::vector<double> scales = given_.power_of_two_scales ? state.choice.scales : best_scales(state);
    Entries entries = state.choice.codebook;
    entries.values = best_entries(rows_, state.rows, scales, entries, threads_);
    return choice(entries, std::move(scales));
  }

  std::vector<double> best_scales(const State& state) const {
    std::vector<double> wanted(state.choice.scales.size(), 0.0), power = wanted;
    for (size_t i = 0; i < place_count_; ++i) {
      const Place& place = rows_.places()[i];
      const std::vector<double> values = state.rows[i].values(state.choice.codebook);
      const Eigen::Map<const Eigen::RowVectorXd> q(values.data(), std::ssize(values)),
          fed(rows_.fed(place).data(), std::ssize(values));
      wanted[rows_.index(place)] += q.dot(fed);
      power[rows_.index(place)] += (q * view(rows_.group_of(place).h())).dot(q);
    }
    return rows_.best(wanted, power, state.choice.scales);
  }

  CodebookPoint point(const State& state) const {
    std::vector<std::vector<double>> values;
    for (const VectorRow& row : state.rows) values.push_back(row.values(state.choice.codebook));
    const auto entries = state.choice.codebook.values.reshaped<Eigen::RowMajor>();
    return {state.choice.scales,
            {entries.begin(), entries.end()},
            rows_.in_order([&](size_t i) { return std::span<const double>(values[i]); }),
            state.error};
  }

  const CodebookSearch& given_;
  int threads_;
  const CodebookRows rows_;
  bool needs_zero_;
  std::vector<Part> parts_;
  size_t place_count_ = 0;
};

}  // namespace

CodebookPoint search_vectors(const CodebookSearch& search, int threads) {
  return Search(search, threads).run();
}

}  // namespace tinyc
