#include "quant/vector_clusters.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int kMostRounds = 30;
constexpr double kGain = 1e-3;               // share of the error that a round must gain to be followed by another
constexpr Eigen::Index kMostVectors = 8192;  // that are clustered
constexpr Eigen::Index kChunk = 512;         // vectors that are compared with all entries at once

struct Assigned {
  std::vector<Eigen::Index> entry;  // by vector
  std::vector<double> error;        // by vector
  double total() const { return std::accumulate(error.begin(), error.end(), 0.0); }
};

Assigned assign(const WeightedVectors& vectors, const Entries& entries, int threads) {
  const Eigen::Index count = vectors.x.rows();
  Assigned found{std::vector<Eigen::Index>(static_cast<size_t>(count), 0),
                 std::vector<double>(static_cast<size_t>(count), 0.0)};
  const RowMajor squares = entries.values.array().square();
  parallel_for((count + kChunk - 1) / kChunk, threads, [&](int64_t chunk, int /*thread*/) {
    const Eigen::Index first = chunk * kChunk, size = std::min(kChunk, count - first);
    const auto weight = vectors.weight.middleRows(first, size);
    const RowMajor weighted = weight.array() * vectors.x.middleRows(first, size).array();
    RowMajor cost = weight * squares.transpose();
    cost.noalias() -= 2.0 * weighted * entries.values.transpose();
    for (Eigen::Index i = 0; i < size; ++i) {
      const auto at = static_cast<size_t>(first + i);
      double least = HUGE_VAL;
      for (Eigen::Index k = 0; k < entries.size(); ++k) {
        if (cost(i, k) >= least || !entries.may_take(vectors.held[at], k)) continue;
        least = cost(i, k);
        found.entry[at] = k;
      }
      found.error[at] = std::max(0.0, least + weighted.row(i).dot(vectors.x.row(first + i)));
    }
  });
  return found;
}

// Entries become the weighted means of what they are assigned to.
void move_to_means(const WeightedVectors& vectors, const Assigned& assigned, Entries& entries) {
  RowMajor sum = RowMajor::Zero(entries.size(), entries.length()), weight = sum;
  for (size_t i = 0; i < assigned.entry.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    sum.row(assigned.entry[i]).array() += vectors.weight.row(row).array() * vectors.x.row(row).array();
    weight.row(assigned.entry[i]) += vectors.weight.row(row);
  }
  for (Eigen::Index k = 0; k < entries.size(); ++k) {
    for (Eigen::Index j = 0; j < entries.length(); ++j) {
      if ((entries.zeros[static_cast<size_t>(k)] >> j & 1U) == 0 && weight(k, j) > 0) {
        entries.values(k, j) = sum(k, j) / weight(k, j);
      }
    }
  }
}

// Returns the error that is left.
double improve(const WeightedVectors& vectors, Entries& entries, int threads) {
  Assigned assigned = assign(vectors, entries, threads);
  double before = assigned.total();
  for (int round = 0; round < kMostRounds; ++round) {
    move_to_means(vectors, assigned, entries);
    assigned = assign(vectors, entries, threads);
    const double now = assigned.total();
    if (now >= before * (1 - kGain)) return now;
    before = now;
  }
  return before;
}

class Starts {
 public:
  Starts(const WeightedVectors& vectors, bool with_zero) : vectors_(vectors), with_zero_(with_zero) {
    const Eigen::VectorXd along = vectors.x * main_axis();
    along_.assign(along.begin(), along.end());
    order_.resize(along_.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return along_[a] < along_[b]; });
  }

  Entries linear(Eigen::Index count) const {
    const double low = along_[order_.front()], high = along_[order_.back()];
    return even(count, [&](double share, size_t at) { return along_[order_[at]] < low + (high - low) * share; });
  }

  Entries density(Eigen::Index count) const {
    std::vector<double> sums(order_.size(), 0.0);
    double sum = 0;
    for (size_t i = 0; i < order_.size(); ++i) {
      sum += vectors_.weight.row(static_cast<Eigen::Index>(order_[i])).sum();
      sums[i] = sum;
    }
    return even(count, [&](double share, size_t at) { return sums[at] < sum * share; });
  }

  // The first vector is drawn by its power.
  Entries plus_plus(Eigen::Index count, Rng& rng) const {
    Entries entries = none();
    if (with_zero_) append(entries, nothing(), ~uint64_t{0});
    std::vector<double> parts;  // by vector: what it adds to the error
    for (Eigen::Index i = 0; i < vectors_.x.rows(); ++i) {
      parts.push_back(vectors_.weight.row(i).dot(vectors_.x.row(i).cwiseAbs2()));
    }
    while (entries.size() < count) {
      const double total = std::accumulate(parts.begin(), parts.end(), 0.0);
      if (total <= 0 && entries.size() > 0) break;
      double left = rng.uniform() * total;
      size_t drawn = 0;
      for (; drawn + 1 < parts.size() && left >= parts[drawn]; ++drawn) left -= parts[drawn];
      append_vector(entries, drawn);
      const Eigen::Index entry = entries.size() - 1;
      for (size_t i = 0; i < parts.size(); ++i) {
        if (!entries.may_take(vectors_.held[i], entry)) continue;
        parts[i] = entry == 0 ? cost(i, entries, entry) : std::min(parts[i], cost(i, entries, entry));
      }
    }
    return entries;
  }

 private:
  Entries none() const { return {RowMajor(0, vectors_.x.cols()), {}}; }
  Eigen::RowVectorXd nothing() const { return Eigen::RowVectorXd::Zero(vectors_.x.cols()); }

  // The direction in which weighted vectors vary most.
  Eigen::VectorXd main_axis() const {
    const RowMajor scaled = vectors_.weight.array().sqrt() * vectors_.x.array();
    const Eigen::MatrixXd spread = scaled.transpose() * scaled;
    return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(spread).eigenvectors().rightCols(1);
  }

  double cost(size_t vector, const Entries& entries, Eigen::Index entry) const {
    const auto row = static_cast<Eigen::Index>(vector);
    return (vectors_.weight.row(row).array() * (vectors_.x.row(row) - entries.values.row(entry)).array().square())
        .sum();
  }

  static void append(Entries& entries, const Eigen::RowVectorXd& values, uint64_t zeros) {
    entries.values.conservativeResize(entries.size() + 1, Eigen::NoChange);
    entries.values.bottomRows(1) = values;
    entries.zeros.push_back(zeros);
  }

  void append_vector(Entries& entries, size_t vector) const {
    append(entries, vectors_.x.row(static_cast<Eigen::Index>(vector)), vectors_.held[vector]);
  }

  // The first vectors along the axis that are not below each of `count` even shares.
  template <typename IsBelow>
  Entries even(Eigen::Index count, IsBelow is_below) const {
    Entries entries = none();
    if (with_zero_) append(entries, nothing(), ~uint64_t{0});
    size_t at = 0;
    const Eigen::Index wanted = count - entries.size();
    for (Eigen::Index i = 0; i < wanted; ++i) {
      const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(wanted);
      while (at + 1 < order_.size() && is_below(share, at)) ++at;
      append_vector(entries, order_[at]);
    }
    return entries;
  }

  const WeightedVectors& vectors_;
  bool with_zero_;
  std::vector<double> along_;  // by vector
  std::vector<size_t> order_;  // vectors along the axis
};

// One of each of so many equal parts.
WeightedVectors sample_of(const WeightedVectors& vectors, Rng& rng) {
  const Eigen::Index count = vectors.x.rows();
  if (count <= kMostVectors) return vectors;
  WeightedVectors sample{RowMajor(kMostVectors, vectors.x.cols()), RowMajor(kMostVectors, vectors.x.cols()), {}};
  for (Eigen::Index i = 0; i < kMostVectors; ++i) {
    const Eigen::Index first = i * count / kMostVectors, end = (i + 1) * count / kMostVectors;
    const Eigen::Index drawn = first + static_cast<Eigen::Index>(rng.below(static_cast<uint64_t>(end - first)));
    sample.x.row(i) = vectors.x.row(drawn);
    sample.weight.row(i) = vectors.weight.row(drawn);
    sample.held.push_back(vectors.held[static_cast<size_t>(drawn)]);
  }
  return sample;
}

}  // namespace

Entries cluster_vectors(const WeightedVectors& vectors, Eigen::Index count, bool with_zero, Rng& rng, int threads) {
  const WeightedVectors sample = sample_of(vectors, rng);
  const Starts starts(sample, with_zero);
  Entries best;
  double least = HUGE_VAL;
  for (Entries entries : {starts.plus_plus(count, rng), starts.density(count), starts.linear(count)}) {
    const double error = improve(sample, entries, threads);
    if (error >= least) continue;
    least = error;
    best = std::move(entries);
  }
  return best;
}

double clustering_error(const WeightedVectors& vectors, const Entries& entries, int threads) {
  return assign(vectors, entries, threads).total();
}

}  // namespace tinyc
