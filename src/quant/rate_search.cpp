#include "tinyc/quant/rate_search.h"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>

#include "quant/grid_rows.h"
#include "tinyc/base/parallel.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

constexpr int kMostRounds = 20;
constexpr double kStill = 1e-3;       // share of weights that may still move when rounds end
constexpr double kBit = 0.1;          // at many bits a weight the slope of error over bits is 0.116 u^2 H_jj
constexpr double kFiner = M_SQRT1_2;  // steps are tried in this ratio
constexpr int kMostTries = 6;
constexpr double kClearly = 0.95;  // of the cost: what is won by less may be the noise of few samples
constexpr double kUnseen = 0.3;    // counts that every integer starts with
constexpr int32_t kFrontier = 1;   // integers beyond those in use that may be taken up in a round

// Bits of an integer, by how often each occurs in a layer.
class Prices {
 public:
  explicit Prices(int32_t q_max) : q_max_(q_max), counts_(2 * static_cast<size_t>(q_max) + 1, 0.0) {}

  void count(double q) { counts_[index(q)] += 1; }
  void settle() {
    int32_t reach = 0;
    for (int32_t q = 0; q <= q_max_; ++q) {
      if (counts_[index(q)] + counts_[index(-q)] > 0) reach = q;
    }
    reach_ = std::min(reach + kFrontier, q_max_);
    double total = 0;
    for (int32_t q = -reach_; q <= reach_; ++q) total += counts_[index(q)] + kUnseen;
    bits_.assign(counts_.size(), 0.0);
    for (int32_t q = -reach_; q <= reach_; ++q) bits_[index(q)] = std::log2(total / (counts_[index(q)] + kUnseen));
  }

  double bits(double q) const { return bits_[index(q)]; }
  double reach() const { return reach_; }

 private:
  size_t index(double q) const { return static_cast<size_t>(static_cast<int64_t>(q) + q_max_); }

  int32_t q_max_, reach_ = 0;
  std::vector<double> counts_, bits_;
};

// A row and what descent needs to know of it.
class PricedRow {
 public:
  PricedRow(const SortedError& error, int64_t row, double step, std::span<const double> integers)
      : error_(&error),
        row_(row),
        step_(step),
        integers_(integers.begin(), integers.end()),
        gradient_(integers.size(), 0.0) {
    for (size_t i = 0; i < integers_.size(); ++i) {
      const double e = step * integers_[i] - error.target()(row, static_cast<int64_t>(i));
      if (e != 0) add_column(i, e);
    }
  }

  std::span<const double> integers() const { return integers_; }
  double error() const {
    double sum = 0;
    for (size_t i = 0; i < integers_.size(); ++i) {
      sum += gradient_[i] * (step_ * integers_[i] - error_->target()(row_, static_cast<int64_t>(i)));
    }
    return sum;
  }

  // One round over the columns; `price` is that of a bit. Returns how many moved.
  int64_t descend(const Prices& prices, double price) {
    int64_t moved = 0;
    for (size_t j = 0; j < integers_.size(); ++j) {
      if (error_->is_held(row_, static_cast<int64_t>(j))) continue;
      const double curvature = step_ * step_ * error_->diagonal()[j];
      const double best = integers_[j] - gradient_[j] / (step_ * error_->diagonal()[j]);
      const double nearest = std::nearbyint(best);
      double chosen = integers_[j], least = HUGE_VAL;
      for (const double q : std::array{integers_[j], nearest, nearest - 1, nearest + 1, 0.0}) {
        if (std::abs(q) > prices.reach()) continue;
        const double cost = curvature * (q - best) * (q - best) + price * prices.bits(q);
        if (cost >= least) continue;
        least = cost;
        chosen = q;
      }
      if (chosen == integers_[j]) continue;
      add_column(j, step_ * (chosen - integers_[j]));
      integers_[j] = chosen;
      ++moved;
    }
    return moved;
  }

 private:
  void add_column(size_t column, double by) {
    const std::span<const double> row = error_->h().row(static_cast<int64_t>(column));
    const auto size = static_cast<Eigen::Index>(row.size());
    Eigen::Map<Eigen::ArrayXd>(gradient_.data(), size) += by * Eigen::Map<const Eigen::ArrayXd>(row.data(), size);
  }

  const SortedError* error_;
  int64_t row_;
  double step_;
  std::vector<double> integers_;
  std::vector<double> gradient_;  // (u q - t) H
};

class Search {
 public:
  Search(const RateSearch& given, int threads) : given_(given), threads_(threads) {
    groups_.reserve(given.groups.size());
    for (size_t g = 0; g < given.groups.size(); ++g) {
      const GroupMask held = given.held.empty() ? GroupMask() : given.held[g];
      groups_.emplace_back(OutputError{given.groups[g].h, best_with_zeros(given.groups[g], held, threads)}, Matrix(),
                           held);
      for (int64_t r = 0; r < groups_.back().rows(); ++r) places_.push_back({g, r});
    }
  }

  RatePoint run() {
    Found best = search(1.0);
    double factor = 1.0;
    for (int i = 1; i < kMostTries; ++i) {
      factor *= kFiner;
      Found found = search(factor);
      if (found.cost < kClearly * best.cost) best = std::move(found);
    }
    return std::move(best.point);
  }

 private:
  struct Place {
    size_t group;
    int64_t row;
  };

  struct Found {
    RatePoint point;
    double cost = 0;  // noise at the model's end, and price
  };

  // With steps that are `factor` times those that make the noise.
  Found search(double factor) {
    choose_scales(factor);
    std::vector<PricedRow> rows = swept_rows();
    int64_t weights = 0;
    for (const PricedRow& row : rows) weights += static_cast<int64_t>(row.integers().size());
    for (int round = 0; round < kMostRounds; ++round) {
      const Prices prices = prices_of(rows);
      std::vector<int64_t> moved(rows.size());
      parallel_for(static_cast<int64_t>(rows.size()), threads_, [&](int64_t idx, int /*thread*/) {
        const auto i = static_cast<size_t>(idx);
        moved[i] = rows[i].descend(prices, bit_price(i));
      });
      int64_t total = 0;
      for (const int64_t count : moved) total += count;
      if (static_cast<double>(total) <= kStill * static_cast<double>(weights)) break;
    }
    return {point(rows), cost_of(rows)};
  }

  Prices prices_of(const std::vector<PricedRow>& rows) const {
    Prices prices(given_.q_max);
    for (const PricedRow& row : rows) {
      for (const double q : row.integers()) prices.count(q);
    }
    prices.settle();
    return prices;
  }

  double cost_of(const std::vector<PricedRow>& rows) const {
    const Prices prices = prices_of(rows);
    double cost = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      double bits = 0;
      for (const double q : rows[i].integers()) bits += prices.bits(q);
      cost += gain(places_[i]) * rows[i].error() + kBit * 12 * given_.noise * bits;
    }
    return cost;
  }

  double scale(const Place& place) const {
    return scales_[given_.scale_of[place.group][static_cast<size_t>(place.row)]];
  }

  double mean_diagonal(size_t group) const {
    double sum = 0;
    for (const double h : groups_[group].diagonal()) sum += h;
    return sum / static_cast<double>(groups_[group].columns());
  }

  double gain(const Place& place) const { return given_.gains[place.group][static_cast<size_t>(place.row)]; }

  // In units of the error of the row with this index.
  double bit_price(size_t row) const { return kBit * 12 * given_.noise / gain(places_[row]); }

  void choose_scales(double factor) {
    std::vector<double> noise(given_.smallest.size(), 0.0), traces = noise, largest = noise;
    for (size_t i = 0; i < places_.size(); ++i) {
      const auto& [group, row] = places_[i];
      const size_t idx = given_.scale_of[group][static_cast<size_t>(row)];
      const auto columns = static_cast<double>(groups_[group].columns());
      noise[idx] += given_.noise * columns;
      traces[idx] += gain(places_[i]) * mean_diagonal(group) * columns;
      for (const double t : groups_[group].target().row(row)) largest[idx] = std::max(largest[idx], std::abs(t));
    }
    std::vector<double> wished;
    for (size_t i = 0; i < noise.size(); ++i) {
      const double step = traces[i] > 0 ? factor * std::sqrt(12 * noise[i] / traces[i]) : 0.0;
      wished.push_back(std::max({step, largest[i] / static_cast<double>(given_.q_max), given_.smallest[i]}));
    }
    const double most = *std::max_element(wished.begin(), wished.end());
    const double least = most > 0 ? most * static_cast<double>(kSmallestScaleShare) : 1.0;
    scales_.clear();
    std::vector<double> logarithms;
    for (const double scale : wished) logarithms.push_back(std::log2(std::max(scale, least)));
    round_together(logarithms);
    for (size_t i = 0; i < noise.size(); ++i) {
      while (scales_[i] < given_.smallest[i]) scales_[i] *= 2;
    }
  }

  // One number times powers of two, the nearest to what is wished.
  void round_together(const std::vector<double>& logarithms) {
    double mean = 0;
    for (const double x : logarithms) mean += x / static_cast<double>(logarithms.size());
    const double base = static_cast<double>(static_cast<float>(std::exp2(mean)));
    for (const double x : logarithms) scales_.push_back(base * std::exp2(std::round(x - mean)));
  }

  std::vector<PricedRow> swept_rows() const {
    const auto limit = static_cast<double>(given_.q_max);
    std::vector<std::vector<double>> integers(places_.size());
    parallel_for(static_cast<int64_t>(places_.size()), threads_, [&](int64_t idx, int /*thread*/) {
      const Place& place = places_[static_cast<size_t>(idx)];
      const Lane lane{place.row, scale(place)};
      const Matrix steps = sweep(groups_[place.group], std::span(&lane, 1), {-limit, limit, 1}).steps;
      integers[static_cast<size_t>(idx)].assign(steps.elements.begin(), steps.elements.end());
    });
    std::vector<PricedRow> rows;
    rows.reserve(places_.size());
    for (size_t i = 0; i < places_.size(); ++i) {
      rows.emplace_back(groups_[places_[i].group], places_[i].row, scale(places_[i]), integers[i]);
    }
    return rows;
  }

  RatePoint point(const std::vector<PricedRow>& rows) const {
    RatePoint point{scales_, {}};
    for (const SortedError& group : groups_) point.steps.emplace_back(group.rows(), group.columns());
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto& [group, row] = places_[i];
      for (int64_t k = 0; k < groups_[group].columns(); ++k) {
        point.steps[group](row, groups_[group].column(k)) = rows[i].integers()[static_cast<size_t>(k)];
      }
    }
    return point;
  }

  const RateSearch& given_;
  int threads_;
  std::vector<SortedError> groups_;
  std::vector<Place> places_;
  std::vector<double> scales_;
};

}  // namespace

RatePoint search_rate(const RateSearch& search, int threads) {
  return Search(search, threads).run();
}

}  // namespace tinyc
