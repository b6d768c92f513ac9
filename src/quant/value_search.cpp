#include "quant/value_search.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "quant/codebook_rows.h"
#include "quant/linear_algebra.h"
#include "quant/valued_row.h"
#include "quant/weighted_line.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int kMostRounds = 8;
constexpr double kGain = 1e-4;      // share of the error that a round must gain to be followed by another
constexpr double kRidge = 1e-9;     // of the equations' diagonal
constexpr int kScaleTries = 7;      // of a row, to either side
constexpr double kScaleStep = 0.1;  // octaves between them
constexpr int64_t kParts = 16;      // that sums over rows are made of, whatever the threads

class Search {
 public:
  Search(const CodebookSearch& given, int threads)
      : given_(given), threads_(threads), rows_(given, threads), needs_zero_(rows_.finds_zeros()) {}

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
  // Values and scales, and by what each value of the codebook before is replaced.
  struct Choice {
    std::vector<double> codebook, scales;
    std::vector<double> codebook_before, replaced_by;
  };

  struct State {
    std::vector<double> codebook, scales;
    std::vector<ValuedRow> rows;
    double error = 0;
  };

  // The k-means of one way to scale rows: values as real numbers.
  struct Clusters {
    std::vector<double> centres, scales;
    double error = HUGE_VAL;  // with values rounded
  };

  size_t scale_index(const Place& place) const { return rows_.index(place); }
  std::span<const Place> places() const { return rows_.places(); }

  Clusters clusters(std::vector<double> scales, uint64_t stream) const {
    std::vector<WeightedNumber> numbers;
    for (const Place& place : places()) {
      const SortedError& group = rows_.group_of(place);
      const double scale = scales[scale_index(place)];
      for (int64_t j = 0; j < group.columns(); ++j) {
        if (group.is_held(place.row, j)) continue;
        const double weight = scale * scale * group.diagonal()[static_cast<size_t>(j)];
        numbers.push_back({group.target()(place.row, j) / scale, weight});
      }
    }
    if (numbers.empty()) return {{0.0}, std::move(scales), 0.0};
    const WeightedLine line(std::move(numbers));
    Rng rng(given_.seed, stream);
    Clusters found{line.cluster(size_t{1} << given_.bits, needs_zero_, rng), std::move(scales)};
    const double factor = rows_.factor_of(found.centres);
    std::vector<double> rounded;
    for (const double c : found.centres) rounded.push_back(factor * std::nearbyint(c / factor));
    found.error = line.error(rounded);
    return found;
  }

  Choice first_choice() const {
    Clusters best = clusters(rows_.by_power(), 0), other = clusters(rows_.by_largest(), 1);
    if (other.error < best.error) best = std::move(other);
    return choice(best.centres, std::move(best.scales), {});
  }

  // Rounds real values to integers.
  Choice choice(std::span<const double> values, std::vector<double> scales, std::vector<double> before) const {
    const double factor = rows_.factor_of(values), limit = given_.q_max;
    for (double& scale : scales) scale *= factor;
    Choice made{{}, rows_.storable(std::move(scales)), std::move(before), {}};
    for (const double c : values) {
      made.replaced_by.push_back(std::clamp(std::nearbyint(c / factor), -limit, limit) + 0.0);
    }
    made.codebook = made.replaced_by;
    std::sort(made.codebook.begin(), made.codebook.end());
    made.codebook.erase(std::unique(made.codebook.begin(), made.codebook.end()), made.codebook.end());
    return made;
  }

  // A sweep with the scale, or with the best of some around it where no other row has it, and descent from there.
  ValuedRow swept(const Choice& choice, const Place& place) const {
    const SortedError& group = rows_.group_of(place);
    const std::vector<Lane> lanes = rows_.lanes(place, choice.scales[scale_index(place)], kScaleTries, kScaleStep);
    const Swept found = sweep_to(group, lanes, [&](double x) { return nearest_value(choice.codebook, x); });
    const auto best = std::min_element(found.errors.begin(), found.errors.end()) - found.errors.begin();
    ValuedRow row(group, place.row, lanes[static_cast<size_t>(best)].scale, found.steps.row(best));
    row.descend(choice.codebook);
    return row;
  }

  // The values that the row had, each replaced by what stands for it now, and descent from there.
  ValuedRow replaced(const Choice& choice, const Place& place, const ValuedRow& before) const {
    std::vector<double> values;
    for (const double q : before.values()) {
      values.push_back(choice.replaced_by[index_of_value(choice.codebook_before, q)]);
    }
    ValuedRow row(rows_.group_of(place), place.row, choice.scales[scale_index(place)], values);
    row.descend(choice.codebook);
    return row;
  }

  // The better of the two, row by row; `before` may be empty.
  State assigned(const Choice& choice, const std::vector<ValuedRow>& before) const {
    std::vector<std::optional<ValuedRow>> found(places().size());
    parallel_for(static_cast<int64_t>(places().size()), threads_, [&](int64_t idx, int /*thread*/) {
      const auto i = static_cast<size_t>(idx);
      ValuedRow row = swept(choice, places()[i]);
      if (!before.empty()) {
        ValuedRow other = replaced(choice, places()[i], before[i]);
        if (other.error() < row.error()) row = std::move(other);
      }
      found[i] = std::move(row);
    });
    State state{choice.codebook, choice.scales, {}, 0};
    state.rows.reserve(found.size());
    for (size_t i = 0; i < found.size(); ++i) {
      state.error += found[i]->error();
      state.scales[scale_index(places()[i])] = found[i]->scale();
      state.rows.push_back(*std::move(found[i]));
    }
    return state;
  }

  // Scales, then values, that are best with the integers that the rows have.
  Choice solved(const State& state) const {
    std::vector<double> scales = given_.power_of_two_scales ? state.scales : best_scales(state);
    const std::vector<double> values = best_values(state, scales);
    return choice(values, std::move(scales), state.codebook);
  }

  std::vector<double> best_scales(const State& state) const {
    std::vector<double> wanted(state.scales.size(), 0.0), power = wanted;
    for (size_t i = 0; i < places().size(); ++i) {
      const auto [qt, qq] = state.rows[i].scale_fit(rows_.fed(places()[i]));
      wanted[scale_index(places()[i])] += qt;
      power[scale_index(places()[i])] += qq;
    }
    return rows_.best(wanted, power, state.scales);
  }

  struct Equations {
    Eigen::MatrixXd a;
    Eigen::VectorXd b;
  };

  Equations equations(const State& state, std::span<const double> scales) const {
    const auto size = static_cast<Eigen::Index>(state.codebook.size());
    std::array<Equations, kParts> parts;
    parts.fill({Eigen::MatrixXd::Zero(size, size), Eigen::VectorXd::Zero(size)});
    const auto rows = static_cast<int64_t>(places().size());
    parallel_for(kParts, threads_, [&](int64_t part, int /*thread*/) {
      for (int64_t i = part * rows / kParts; i < (part + 1) * rows / kParts; ++i) {
        const auto at = static_cast<size_t>(i);
        add_row(parts[static_cast<size_t>(part)], state, at, scales[scale_index(places()[at])]);
      }
    });
    for (size_t i = 1; i < parts.size(); ++i) {
      parts[0].a += parts[i].a;
      parts[0].b += parts[i].b;
    }
    return std::move(parts[0]);
  }

  void add_row(Equations& sums, const State& state, size_t row, double scale) const {
    const Place& place = places()[row];
    const SortedError& group = rows_.group_of(place);
    std::vector<Eigen::Index> index;
    for (const double q : state.rows[row].values()) {
      index.push_back(static_cast<Eigen::Index>(index_of_value(state.codebook, q)));
    }
    const auto fed = rows_.fed(place);
    for (size_t i = 0; i < index.size(); ++i) {
      sums.b[index[i]] += scale * fed[i];
      const auto h = group.h().row(static_cast<int64_t>(i));
      for (size_t j = 0; j < index.size(); ++j) sums.a(index[j], index[i]) += scale * scale * h[j];
    }
  }

  // Values that no weight takes stay what they are, and so does 0 where it must.
  std::vector<double> best_values(const State& state, std::span<const double> scales) const {
    const Equations sums = equations(state, scales);
    std::vector<Eigen::Index> free;
    for (size_t k = 0; k < state.codebook.size(); ++k) {
      const auto at = static_cast<Eigen::Index>(k);
      if (sums.a(at, at) > 0 && !(needs_zero_ && state.codebook[k] == 0)) free.push_back(at);
    }
    std::vector<double> values = state.codebook;
    if (free.empty()) return values;
    Eigen::MatrixXd a = sums.a(free, free);
    a.diagonal() *= 1 + kRidge;
    const Eigen::VectorXd b = sums.b(free), solved = Eigen::LDLT<Eigen::MatrixXd>(a).solve(b);
    if (!solved.allFinite()) return values;
    for (size_t i = 0; i < free.size(); ++i)
      values[static_cast<size_t>(free[i])] = solved[static_cast<Eigen::Index>(i)];
    return values;
  }

  CodebookPoint point(const State& state) const {
    return {state.scales, state.codebook, rows_.in_order([&](size_t i) { return state.rows[i].values(); }),
            state.error};
  }

  const CodebookSearch& given_;
  int threads_;
  const CodebookRows rows_;
  bool needs_zero_;
};

}  // namespace

CodebookPoint search_values(const CodebookSearch& search, int threads) {
  return Search(search, threads).run();
}

}  // namespace tinyc
