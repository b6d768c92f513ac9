#include "tinyc/quant/moments.h"

#include <algorithm>
#include <cmath>

#include "ops/kernels/product.h"
#include "tinyc/base/error.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int64_t kTile = 256;          // positions whose products are summed in float
constexpr int64_t kRowBlock = 32;       // rows of H that a thread computes at once
constexpr int64_t kReadable = 32;       // floats that a product may read past the end
constexpr double kProductError = 1e-6;  // of sums of products, relative

// Positions [first, first + count) of a sample, which go to place `at` of a tile.
struct Stretch {
  size_t sample;
  int64_t first, count, at;
};
using Tile = std::vector<Stretch>;

int64_t size_of(const Tile& tile) {
  return tile.empty() ? 0 : tile.back().at + tile.back().count;
}

// All positions of all samples in tiles, of which every `stride`th is kept.
std::vector<Tile> tiles_of(std::span<const MomentSample> samples, int64_t stride) {
  std::vector<Tile> tiles;
  int64_t seen = 0;  // positions before this one
  for (size_t s = 0; s < samples.size(); ++s) {
    const int64_t positions = samples[s].now->positions;
    for (int64_t first = 0; first < positions;) {
      const int64_t at = seen % kTile;
      const int64_t count = std::min(kTile - at, positions - first);
      if (seen / kTile % stride == 0) {
        if (at == 0 || tiles.empty()) tiles.emplace_back();
        tiles.back().push_back({s, first, count, at});
      }
      first += count;
      seen += count;
    }
  }
  return tiles;
}

class Summing {
 public:
  Summing(std::span<const MomentSample> samples, int threads)
      : samples_(samples),
        threads_(threads),
        groups_(samples.front().now->groups),
        columns_(samples.front().now->columns),
        blocks_((columns_ + kRowBlock - 1) / kRowBlock),
        sums_(static_cast<size_t>(groups_), MomentSums(columns_)),
        x_(static_cast<size_t>(groups_ * kTile * columns_ + kReadable)),
        f_(x_.size()),
        scratch_(static_cast<size_t>(std::max(threads, 1)),
                 std::vector<float>(static_cast<size_t>(kRowBlock * columns_ + kReadable))) {
    for (int64_t p = 0; p < kTile; ++p) lines_.push_back(static_cast<int32_t>(p * columns_));
  }

  void add(const Tile& tile) {
    const int64_t size = size_of(tile);
    const auto stretches = static_cast<int64_t>(tile.size());
    parallel_for(groups_ * stretches, threads_, [&](int64_t idx, int /*thread*/) {
      gather(idx / stretches, tile[static_cast<size_t>(idx % stretches)]);
    });
    parallel_for(groups_ * blocks_, threads_, [&](int64_t idx, int thread) {
      add_block(idx / blocks_, idx % blocks_ * kRowBlock, size, scratch_[static_cast<size_t>(thread)]);
    });
    for (MomentSums& sum : sums_) sum.positions += size;
  }

  std::vector<MomentSums> take() { return std::move(sums_); }

 private:
  void gather(int64_t group, const Stretch& part) {
    const int64_t place = (group * kTile + part.at) * columns_;
    const auto& [now, wanted] = samples_[part.sample];
    now->gather(group, part.first, part.count, x_.data() + place, columns_);
    wanted->gather(group, part.first, part.count, f_.data() + place, columns_);
  }

  void add_block(int64_t group, int64_t first, int64_t size, std::vector<float>& scratch) {
    MomentSums& sum = sums_[static_cast<size_t>(group)];
    const float* x = x_.data() + group * kTile * columns_;
    const float* f = f_.data() + group * kTile * columns_;
    const int64_t rows = std::min(kRowBlock, columns_ - first);
    add_product(x + first, x, first, {first, rows, size}, scratch, sum.xx);
    add_product(f + first, x, 0, {first, rows, size}, scratch, sum.fx);
    for (int64_t p = 0; p < size; ++p) {
      for (int64_t c = first; c < first + rows; ++c) {
        sum.x[static_cast<size_t>(c)] += static_cast<double>(x[p * columns_ + c]);
        sum.f[static_cast<size_t>(c)] += static_cast<double>(f[p * columns_ + c]);
      }
    }
  }

  struct Block {
    int64_t first, rows, size;
  };

  // sum[first + r, c] += over positions a[p, r] * b[p, c], for c from `from` on.
  void add_product(const float* a, const float* b, int64_t from, const Block& block, std::vector<float>& scratch,
                   Matrix& sum) const {
    const int64_t width = columns_ - from;
    const kernels::ColumnRun run{.b = from, .out = 0, .count = width};
    kernels::multiply({.rows = block.rows,
                       .depth = block.size,
                       .a = a,
                       .a_row = 1,
                       .a_step = columns_,
                       .b = b,
                       .lines = lines_.data(),
                       .runs = {&run, 1},
                       .out = scratch.data(),
                       .out_stride = width});
    for (int64_t r = 0; r < block.rows; ++r) {
      const std::span<double> to = sum.row(block.first + r).subspan(static_cast<size_t>(from));
      const float* row = scratch.data() + r * width;
      for (size_t c = 0; c < to.size(); ++c) to[c] += static_cast<double>(row[c]);
    }
  }

  std::span<const MomentSample> samples_;
  int threads_;
  int64_t groups_, columns_, blocks_;
  std::vector<MomentSums> sums_;
  std::vector<float> x_, f_;  // [groups, kTile, columns]
  std::vector<std::vector<float>> scratch_;
  std::vector<int32_t> lines_;
};

void add_to(std::vector<double>& sum, const std::vector<double>& other) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
}

// As those of a constant, which varies with nothing.
void clear_column(Moments& covariances, int64_t column) {
  for (int64_t i = 0; i < covariances.h.rows; ++i) {
    covariances.h(i, column) = covariances.h(column, i) = 0;
    covariances.a(i, column) = 0;
  }
}

}  // namespace

MomentSums::MomentSums(int64_t columns)
    : xx(columns, columns), fx(columns, columns), x(static_cast<size_t>(columns)), f(static_cast<size_t>(columns)) {}

void MomentSums::merge(const MomentSums& other) {
  add_to(xx.elements, other.xx.elements);
  add_to(fx.elements, other.fx.elements);
  add_to(x, other.x);
  add_to(f, other.f);
  positions += other.positions;
}

Moments MomentSums::moments(bool centred) const {
  const double share = positions == 0 ? 0.0 : 1.0 / static_cast<double>(positions);
  Moments result{xx, fx, x, f};
  for (double& mean : result.mean_x) mean *= share;
  for (double& mean : result.mean_f) mean *= share;
  for (int64_t i = 0; i < xx.rows; ++i) {
    for (int64_t j = 0; j < xx.rows; ++j) {
      const double taken_x =
          centred ? result.mean_x[static_cast<size_t>(i)] * result.mean_x[static_cast<size_t>(j)] : 0;
      const double taken_f =
          centred ? result.mean_f[static_cast<size_t>(i)] * result.mean_x[static_cast<size_t>(j)] : 0;
      result.h(i, j) = xx(std::min(i, j), std::max(i, j)) * share - taken_x;
      result.a(i, j) = fx(i, j) * share - taken_f;
    }
  }
  for (int64_t i = 0; i < xx.rows && centred; ++i) {
    if (result.h(i, i) <= kProductError * xx(i, i) * share) clear_column(result, i);
  }
  return result;
}

int64_t affordable_stride(std::span<const LinearForm> samples, double macs) {
  int64_t positions = 0;
  for (const LinearForm& sample : samples) positions += sample.positions;
  const auto columns = static_cast<double>(samples.front().columns);
  // Of H one half is computed, of A all.
  const double all = 1.5 * static_cast<double>(positions * samples.front().groups) * columns * columns;
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(all / macs)));
}

std::vector<MomentSums> sum_moments(std::span<const MomentSample> samples, int64_t stride, int threads) {
  TINYC_CHECK(!samples.empty() && stride >= 1);
  Summing summing(samples, threads);
  for (const Tile& tile : tiles_of(samples, stride)) summing.add(tile);
  return summing.take();
}

}  // namespace tinyc
