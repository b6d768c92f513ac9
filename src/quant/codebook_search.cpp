#include "tinyc/quant/codebook_search.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "quant/grid_rows.h"
#include "quant/linear_algebra.h"
#include "quant/valued_row.h"
#include "quant/weighted_line.h"
#include "tinyc/base/parallel.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

constexpr int kMostRounds = 8;
constexpr double kGain = 1e-4;      // share of the error that a round must gain to be followed by another
constexpr double kRidge = 1e-9;     // of the equations' diagonal
constexpr int kScaleTries = 7;      // of a row, to either side
constexpr double kScaleStep = 0.1;  // octaves between them
constexpr int64_t kParts = 16;      // that sums over rows are made of, whatever the threads

using ConstArray = Eigen::Map<const Eigen::ArrayXd>;

ConstArray array(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

class Search {
 public:
  Search(const CodebookSearch& given, int threads) : given_(given), threads_(threads) {
    fix_blocking();
    groups_.reserve(given.groups.size());
    for (size_t g = 0; g < given.groups.size(); ++g) {
      const GroupMask held = given.held.empty() ? GroupMask() : given.held[g];
      groups_.emplace_back(OutputError{given.groups[g].h, best_with_zeros(given.groups[g], held, threads)}, Matrix(),
                           held);
      const SortedError& group = groups_.back();
      fed_.emplace_back(group.rows(), group.columns());
      view(fed_.back()).noalias() = view(group.target()) * view(group.h());
      for (int64_t r = 0; r < group.rows(); ++r) places_.push_back({g, r});
    }
    rows_of_scale_.assign(given.smallest.size(), 0);
    for (const Place& place : places_) ++rows_of_scale_[scale_index(place)];
    needs_zero_ = finds_zeros();
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
  struct Place {
    size_t group;
    int64_t row;
  };

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

  size_t scale_index(const Place& place) const { return given_.scale_of[place.group][static_cast<size_t>(place.row)]; }

  // Whether weights are held, or all those of a row are 0 already.
  bool finds_zeros() const {
    if (std::any_of(given_.held.begin(), given_.held.end(), [](const GroupMask& mask) { return !mask.empty(); })) {
      return true;
    }
    return std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
      const auto row = groups_[place.group].target().row(place.row);
      return std::all_of(row.begin(), row.end(), [](double t) { return t == 0; });
    });
  }

  double rounded_scale(double scale) const {
    const auto nearest = static_cast<float>(scale);
    return static_cast<double>(given_.power_of_two_scales ? power_of_two_above(nearest) : nearest);
  }

  // Scales that can be stored, none below what it must be at least.
  std::vector<double> storable(std::vector<double> scales) const {
    const double largest = *std::max_element(scales.begin(), scales.end());
    const double least = largest > 0 ? largest * static_cast<double>(kSmallestScaleShare) : 1.0;
    for (size_t i = 0; i < scales.size(); ++i) {
      scales[i] = rounded_scale(std::max(scales[i], least));
      while (scales[i] < given_.smallest[i]) scales[i] *= 2;
    }
    return scales;
  }

  // By scale: what makes rows alike in power, or in their largest weight.
  std::vector<double> scales_by_power() const {
    std::vector<double> power(given_.smallest.size(), 0.0), weight = power;
    for (const Place& place : places_) {
      const SortedError& group = groups_[place.group];
      const size_t i = scale_index(place);
      power[i] += (array(group.diagonal()) * array(group.target().row(place.row)).square()).sum();
      weight[i] += array(group.diagonal()).sum();
    }
    for (size_t i = 0; i < power.size(); ++i) power[i] = weight[i] > 0 ? std::sqrt(power[i] / weight[i]) : 0.0;
    return storable(std::move(power));
  }
  std::vector<double> scales_by_largest() const {
    std::vector<double> largest(given_.smallest.size(), 0.0);
    for (const Place& place : places_) {
      double& own = largest[scale_index(place)];
      own = std::max(own, array(groups_[place.group].target().row(place.row)).abs().maxCoeff());
    }
    return storable(std::move(largest));
  }

  // The factor that makes the largest value q_max.
  double factor_of(std::span<const double> values) const {
    const double largest = array(values).abs().maxCoeff();
    return largest > 0 ? rounded_scale(largest / given_.q_max) : 1.0;
  }

  Clusters clusters(std::vector<double> scales, uint64_t stream) const {
    std::vector<WeightedNumber> numbers;
    for (const Place& place : places_) {
      const SortedError& group = groups_[place.group];
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
    const double factor = factor_of(found.centres);
    std::vector<double> rounded;
    for (const double c : found.centres) rounded.push_back(factor * std::nearbyint(c / factor));
    found.error = line.error(rounded);
    return found;
  }

  Choice first_choice() const {
    Clusters best = clusters(scales_by_power(), 0), other = clusters(scales_by_largest(), 1);
    if (other.error < best.error) best = std::move(other);
    return choice(best.centres, std::move(best.scales), {});
  }

  // Rounds real values to integers.
  Choice choice(std::span<const double> values, std::vector<double> scales, std::vector<double> before) const {
    const double factor = factor_of(values), limit = given_.q_max;
    for (double& scale : scales) scale *= factor;
    Choice made{{}, storable(std::move(scales)), std::move(before), {}};
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
    const SortedError& group = groups_[place.group];
    const double scale = choice.scales[scale_index(place)];
    std::vector<Lane> lanes{{place.row, scale}};
    for (int i = 1; i <= kScaleTries && rows_of_scale_[scale_index(place)] == 1; ++i) {
      const double by = given_.power_of_two_scales ? i : i * kScaleStep;
      for (const double factor : {std::exp2(-by), std::exp2(by)}) {
        const double tried = rounded_scale(scale * factor);
        if (tried >= given_.smallest[scale_index(place)]) lanes.push_back({place.row, tried});
      }
    }
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
    ValuedRow row(groups_[place.group], place.row, choice.scales[scale_index(place)], values);
    row.descend(choice.codebook);
    return row;
  }

  // The better of the two, row by row; `before` may be empty.
  State assigned(const Choice& choice, const std::vector<ValuedRow>& before) const {
    std::vector<std::optional<ValuedRow>> found(places_.size());
    parallel_for(static_cast<int64_t>(places_.size()), threads_, [&](int64_t idx, int /*thread*/) {
      const auto i = static_cast<size_t>(idx);
      ValuedRow row = swept(choice, places_[i]);
      if (!before.empty()) {
        ValuedRow other = replaced(choice, places_[i], before[i]);
        if (other.error() < row.error()) row = std::move(other);
      }
      found[i] = std::move(row);
    });
    State state{choice.codebook, choice.scales, {}, 0};
    state.rows.reserve(found.size());
    for (size_t i = 0; i < found.size(); ++i) {
      state.error += found[i]->error();
      state.scales[scale_index(places_[i])] = found[i]->scale();
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
    for (size_t i = 0; i < places_.size(); ++i) {
      const auto [qt, qq] = state.rows[i].scale_fit(std::as_const(fed_[places_[i].group]).row(places_[i].row));
      wanted[scale_index(places_[i])] += qt;
      power[scale_index(places_[i])] += qq;
    }
    std::vector<double> scales = state.scales;
    for (size_t i = 0; i < scales.size(); ++i) {
      if (wanted[i] > 0 && power[i] > 0) scales[i] = std::max(wanted[i] / power[i], given_.smallest[i]);
    }
    return scales;
  }

  struct Equations {
    Eigen::MatrixXd a;
    Eigen::VectorXd b;
  };

  Equations equations(const State& state, std::span<const double> scales) const {
    const auto size = static_cast<Eigen::Index>(state.codebook.size());
    std::array<Equations, kParts> parts;
    parts.fill({Eigen::MatrixXd::Zero(size, size), Eigen::VectorXd::Zero(size)});
    const auto rows = static_cast<int64_t>(places_.size());
    parallel_for(kParts, threads_, [&](int64_t part, int /*thread*/) {
      for (int64_t i = part * rows / kParts; i < (part + 1) * rows / kParts; ++i) {
        const auto at = static_cast<size_t>(i);
        add_row(parts[static_cast<size_t>(part)], state, at, scales[scale_index(places_[at])]);
      }
    });
    for (size_t i = 1; i < parts.size(); ++i) {
      parts[0].a += parts[i].a;
      parts[0].b += parts[i].b;
    }
    return std::move(parts[0]);
  }

  void add_row(Equations& sums, const State& state, size_t row, double scale) const {
    const Place& place = places_[row];
    const SortedError& group = groups_[place.group];
    std::vector<Eigen::Index> index;
    for (const double q : state.rows[row].values()) {
      index.push_back(static_cast<Eigen::Index>(index_of_value(state.codebook, q)));
    }
    const auto fed = std::as_const(fed_[place.group]).row(place.row);
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
    CodebookPoint point{state.scales, state.codebook, {}, state.error};
    for (const SortedError& group : groups_) point.steps.emplace_back(group.rows(), group.columns());
    for (size_t i = 0; i < state.rows.size(); ++i) {
      const auto& [group, row] = places_[i];
      for (int64_t k = 0; k < groups_[group].columns(); ++k) {
        point.steps[group](row, groups_[group].column(k)) = state.rows[i].values()[static_cast<size_t>(k)];
      }
    }
    return point;
  }

  const CodebookSearch& given_;
  int threads_;
  std::vector<SortedError> groups_;
  std::vector<Matrix> fed_;  // [group]: t H
  std::vector<Place> places_;
  std::vector<int64_t> rows_of_scale_;  // how many
  bool needs_zero_ = false;
};

}  // namespace

CodebookPoint search_codebook(const CodebookSearch& search, int threads) {
  return Search(search, threads).run();
}

}  // namespace tinyc
