#include "quant/vector_equations.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int kMostSteps = 30;
constexpr double kStill = 1e-10;  // of the residual's power
constexpr int64_t kRows = 32;     // of a group, multiplied by H at once

class Equations {
 public:
  Equations(const CodebookRows& places, std::span<const VectorRow> rows, std::span<const double> scales,
            const Entries& entries, int threads)
      : places_(places), rows_(rows), scales_(scales), entries_(entries), threads_(threads) {
    const std::span<const Place> all = places.places();
    for (size_t first = 0; first < all.size();) {
      size_t end = first + 1;
      while (end < all.size() && all[end].group == all[first].group && std::cmp_less(end - first, kRows)) ++end;
      parts_.push_back({first, end});
      first = end;
    }
  }

  RowMajor solve() const {
    RowMajor x = entries_.values, residual = downhill(x);
    const RowMajor diagonal = summed([&](const Part& part, RowMajor& sum) { add_diagonal(part, sum); });
    const auto preconditioned = [&](const RowMajor& r) {
      return RowMajor((diagonal.array() > 0).select(r.array() / diagonal.array(), 0.0));
    };
    RowMajor z = preconditioned(residual), direction = z;
    double power = residual.cwiseProduct(z).sum();
    const double enough = kStill * power;
    for (int step = 0; step < kMostSteps && power > enough; ++step) {
      const RowMajor product = times(direction);
      const double curvature = direction.cwiseProduct(product).sum();
      if (curvature <= 0) break;
      x += power / curvature * direction;
      residual -= power / curvature * product;
      z = preconditioned(residual);
      const double next = residual.cwiseProduct(z).sum();
      direction = z + next / power * direction;
      power = next;
    }
    return x;
  }

 private:
  struct Part {
    size_t first, end;  // places of one group
  };

  double scale(size_t place) const { return scales_[places_.index(places_.places()[place])]; }

  template <typename Add>
  RowMajor summed(Add add) const {
    std::vector<RowMajor> sums(parts_.size(), RowMajor::Zero(entries_.size(), entries_.length()));
    parallel_for(std::ssize(parts_), threads_,
                 [&](int64_t i, int /*thread*/) { add(parts_[static_cast<size_t>(i)], sums[static_cast<size_t>(i)]); });
    for (size_t i = 1; i < sums.size(); ++i) sums[0] += sums[i];
    for (Eigen::Index k = 0; k < entries_.size(); ++k) {
      for (Eigen::Index j = 0; j < entries_.length(); ++j) {
        if (entries_.zeros[static_cast<size_t>(k)] >> j & 1U) sums[0](k, j) = 0;
      }
    }
    return std::move(sums[0]);
  }

  // Adds what the rows' weights, [place, columns], say of each entry.
  void scatter(const Part& part, const RowMajor& weights, RowMajor& sum) const {
    for (size_t place = part.first; place < part.end; ++place) {
      const auto row = weights.row(static_cast<Eigen::Index>(place - part.first));
      Eigen::Index first = 0;
      for (const Eigen::Index entry : rows_[place].entries) {
        sum.row(entry) += scale(place) * row.segment(first, entries_.length());
        first += entries_.length();
      }
    }
  }

  // u S x for the rows of a part.
  RowMajor spread(const Part& part, const RowMajor& x) const {
    const SortedError& group = places_.group_of(places_.places()[part.first]);
    RowMajor weights(static_cast<Eigen::Index>(part.end - part.first), group.columns());
    for (size_t place = part.first; place < part.end; ++place) {
      Eigen::Index first = 0;
      for (const Eigen::Index entry : rows_[place].entries) {
        weights.row(static_cast<Eigen::Index>(place - part.first)).segment(first, entries_.length()) =
            scale(place) * x.row(entry);
        first += entries_.length();
      }
    }
    return weights;
  }

  RowMajor times(const RowMajor& x) const {
    return summed([&](const Part& part, RowMajor& sum) {
      const SortedError& group = places_.group_of(places_.places()[part.first]);
      scatter(part, spread(part, x) * view(group.h()), sum);
    });
  }

  // What is left of the equations at x.
  RowMajor downhill(const RowMajor& x) const {
    return summed([&](const Part& part, RowMajor& sum) {
      const Place& first = places_.places()[part.first];
      const SortedError& group = places_.group_of(first);
      const auto count = static_cast<Eigen::Index>(part.end - part.first);
      scatter(part, (view(group.target()).middleRows(first.row, count) - spread(part, x)) * view(group.h()), sum);
    });
  }

  void add_diagonal(const Part& part, RowMajor& sum) const {
    const SortedError& group = places_.group_of(places_.places()[part.first]);
    const Eigen::Map<const Eigen::RowVectorXd> diagonal(group.diagonal().data(), group.columns());
    RowMajor weights(static_cast<Eigen::Index>(part.end - part.first), group.columns());
    for (size_t place = part.first; place < part.end; ++place) {
      weights.row(static_cast<Eigen::Index>(place - part.first)) = scale(place) * diagonal;
    }
    scatter(part, weights, sum);
  }

  const CodebookRows& places_;
  std::span<const VectorRow> rows_;
  std::span<const double> scales_;
  const Entries& entries_;
  int threads_;
  std::vector<Part> parts_;
};

}  // namespace

RowMajor best_entries(const CodebookRows& places, std::span<const VectorRow> rows, std::span<const double> scales,
                      const Entries& entries, int threads) {
  return Equations(places, rows, scales, entries, threads).solve();
}

}  // namespace tinyc
