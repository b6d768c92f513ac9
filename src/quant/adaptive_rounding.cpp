#include "tinyc/quant/adaptive_rounding.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/kernels/product.h"
#include "quant/adam.h"
#include "tinyc/base/error.h"
#include "tinyc/base/parallel.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

constexpr int64_t kBatch = 128;                     // positions
constexpr int64_t kRowBlock = 32;                   // rows that a thread learns together
constexpr int64_t kReadable = 32;                   // floats that a product may read past the end
constexpr int64_t kMostNumbers = int64_t{1} << 23;  // stored by a thread
constexpr double kMostMacs = 1e11;                  // of a layer
constexpr int kNewtonSteps = 4;
// Rates are in steps of the grid, for the bias in parts of the noise at the beginning; they fall to a tenth.
constexpr double kRate = 0.02, kBiasRate = 0.02, kFall = 0.9;
constexpr double kFree = 0.2;          // share of the iterations without penalty
constexpr float kPenaltyShare = 0.3F;  // the penalty's weight, in parts of the loss's mean curvature along a weight
constexpr double kFirstBeta = 20, kLastBeta = 2;

size_t idx(int64_t i) {
  return static_cast<size_t>(i);
}

struct Place {
  size_t sample;
  int64_t position;
};

// Positions spread over all samples evenly, in random order: a whole number of batches.
std::vector<Place> choose_places(const AdaptiveRounding& given) {
  std::vector<int64_t> ends;
  int64_t total = 0;
  for (const LinearForm* sample : given.samples) ends.push_back(total += sample->positions);
  const LinearForm& form = *given.samples.front();
  const int64_t numbers = form.columns + 2 * std::min(form.rows, kRowBlock);  // of a position
  const int64_t batches = std::clamp<int64_t>(kMostNumbers / numbers / kBatch, 1, (total + kBatch - 1) / kBatch);
  const double apart = static_cast<double>(total) / static_cast<double>(batches * kBatch);
  Rng rng(given.seed);
  std::vector<Place> places;
  for (int64_t i = 0; i < batches * kBatch; ++i) {
    const auto at = std::min(static_cast<int64_t>((static_cast<double>(i) + rng.uniform()) * apart), total - 1);
    const auto sample = std::upper_bound(ends.begin(), ends.end(), at) - ends.begin();
    places.push_back({idx(sample), at - (sample == 0 ? 0 : ends[idx(sample - 1)])});
  }
  for (size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[rng.below(i)]);
  return places;
}

// The slope of 1 - |2 h - 1|^beta, from a table.
class Penalty {
 public:
  void set(double beta) {
    for (size_t i = 0; i < table_.size(); ++i) {
      table_[i] = static_cast<float>(2 * beta * std::pow(static_cast<double>(i) / kPieces, beta - 1));
    }
  }
  float slope(float v) const {
    const float z = 2 * (v - std::floor(v)) - 1, at = std::abs(z) * kPieces;
    const auto i = static_cast<size_t>(std::min(at, kPieces - 1.0F));
    const float size = table_[i] + (at - static_cast<float>(i)) * (table_[i + 1] - table_[i]);
    return z > 0 ? -size : size;
  }

 private:
  static constexpr int kPieces = 64;
  std::array<float, kPieces + 1> table_{};
};

// Some rows of a group.
class Learner {
 public:
  Learner(const AdaptiveRounding& given, std::span<const Place> places, int64_t group, int64_t first)
      : given_(given),
        places_(places),
        group_(group),
        first_(first),
        rows_(std::min(kRowBlock, given.targets[idx(group)].rows - first)),
        columns_(given.targets[idx(group)].columns),
        batches_(std::ssize(places) / kBatch),
        inputs_(idx(batches_ * columns_ * kBatch + kReadable)),
        wanted_(idx(batches_ * rows_ * kBatch)),
        weights_(idx(rows_ * columns_)),
        sums_(wanted_.size()),
        errors_(idx(rows_ * kBatch + kReadable)),
        slopes_(idx(columns_ * rows_)),
        losses_(idx(rows_)) {
    for (int64_t c = 0; c < columns_; ++c) column_lines_.push_back(static_cast<int32_t>(c * kBatch));
    for (int64_t p = 0; p < kBatch; ++p) position_lines_.push_back(static_cast<int32_t>(p * rows_));
    store_positions();
    start_from_given();
  }

  // Writes the rows' result.
  void learn(AdaptedRounding& result) {
    fit_bias();
    const std::vector<float> old_points = points_, old_bias = bias_;
    const std::vector<double> old_losses = losses_;
    descend();
    for (float& v : points_) v = std::nearbyint(v);
    fit_bias();
    for (int64_t r = 0; r < rows_; ++r) {
      const bool gains = losses_[idx(r)] < old_losses[idx(r)];
      const std::vector<float>& points = gains ? points_ : old_points;
      result.bias[idx(group_)][idx(first_ + r)] = static_cast<double>((gains ? bias_ : old_bias)[idx(r)]);
      for (int64_t c = 0; c < columns_; ++c) {
        const auto point = static_cast<double>(points[idx(r * columns_ + c)]);
        result.steps[idx(group_)](first_ + r, c) = given_.q_min + point * given_.q_step;
      }
    }
  }

 private:
  // The data, and what should come out.
  void store_positions() {
    std::vector<float> line(idx(columns_)), bias;
    for (int64_t i = 0; i < std::ssize(places_); ++i) {
      const Place& place = places_[idx(i)];
      given_.samples[place.sample]->gather(group_, place.position, 1, line.data(), columns_);
      float* to = inputs_.data() + i / kBatch * columns_ * kBatch + i % kBatch;
      for (int64_t c = 0; c < columns_; ++c) to[c * kBatch] = line[idx(c)];
    }
    for (int64_t r = 0; r < rows_; ++r) {
      bias.push_back(static_cast<float>(given_.target_bias[idx(group_)][idx(first_ + r)]));
      for (int64_t c = 0; c < columns_; ++c) {
        weights_[idx(r * columns_ + c)] = static_cast<float>(given_.targets[idx(group_)](first_ + r, c));
      }
    }
    for (int64_t b = 0; b < batches_; ++b) add_up(b, bias, wanted_.data() + b * rows_ * kBatch);
    for (float& y : wanted_) y = given_.limits(y);
  }

  // Points of the grid are counted from 0 on.
  void start_from_given() {
    const int32_t points = (given_.q_max - given_.q_min) / given_.q_step;
    for (int64_t r = 0; r < rows_; ++r) {
      bias_.push_back(static_cast<float>(given_.bias[idx(group_)][idx(first_ + r)]));
      for (int64_t c = 0; c < columns_; ++c) {
        const double q = given_.steps[idx(group_)](first_ + r, c);
        points_.push_back(static_cast<float>((q - given_.q_min) / given_.q_step));
        units_.push_back(static_cast<float>(given_.units[idx(group_)](first_ + r, c) * given_.q_step));
        const bool held = !given_.held.empty() && given_.held[idx(group_)](first_ + r, c);
        const float reach = held ? 0.0F : 1.0F;
        low_.push_back(std::max(points_.back() - reach, 0.0F));
        high_.push_back(std::min(points_.back() + reach, static_cast<float>(points)));
      }
    }
  }

  // weights_ times a batch's data, plus the bias: [row][position].
  void add_up(int64_t batch, const std::vector<float>& bias, float* out) const {
    const kernels::ColumnRun run{.b = 0, .out = 0, .count = kBatch};
    kernels::multiply({.rows = rows_,
                       .depth = columns_,
                       .a = weights_.data(),
                       .a_row = columns_,
                       .a_step = 1,
                       .b = inputs_.data() + batch * columns_ * kBatch,
                       .lines = column_lines_.data(),
                       .runs = {&run, 1},
                       .start = bias.data(),
                       .out = out,
                       .out_stride = kBatch});
  }

  void set_weights() {
    const float zero = static_cast<float>(given_.q_min) / static_cast<float>(given_.q_step);
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i] = (points_[i] + zero) * units_[i];
  }

  // The best bias of each row for its integers, by Newton's method on the loss over all batches; and these losses.
  void fit_bias() {
    set_weights();
    for (int64_t b = 0; b < batches_; ++b) add_up(b, bias_, sums_.data() + b * rows_ * kBatch);
    for (int64_t r = 0; r < rows_; ++r) {
      float shift = 0;
      auto [loss, step] = loss_with(r, shift);
      for (int i = 0; i < kNewtonSteps && given_.free_bias; ++i) {
        const auto [next_loss, next_step] = loss_with(r, shift + step);
        if (next_loss >= loss) break;
        shift += step;
        loss = next_loss;
        step = next_step;
      }
      bias_[idx(r)] += shift;
      losses_[idx(r)] = loss;
    }
  }

  // The row's mean loss with a shift of its sums_, and Newton's step from there.
  std::pair<double, float> loss_with(int64_t row, float shift) const {
    double loss = 0, slope = 0;
    int64_t inside = 0;
    for (int64_t b = 0; b < batches_; ++b) {
      const int64_t at = (b * rows_ + row) * kBatch;
      for (int64_t i = at; i < at + kBatch; ++i) {
        const float y = sums_[idx(i)] + shift, clamped = given_.limits(y);
        const auto error = static_cast<double>(clamped - wanted_[idx(i)]);
        loss += error * error;
        if (clamped != y) continue;
        slope += error;
        ++inside;
      }
    }
    const double step = inside == 0 ? 0.0 : -slope / static_cast<double>(inside);
    return {loss / static_cast<double>(batches_ * kBatch), static_cast<float>(step)};
  }

  void descend() {
    std::vector<float> scales;  // of the slopes: losses are counted in those at the beginning
    for (const double loss : losses_) scales.push_back(loss > 0 ? static_cast<float>(2 / loss / kBatch) : 0.0F);
    const std::vector<float> pull = penalties(scales);
    Adam adam(points_.size()), bias_adam(bias_.size());
    Penalty penalty;
    const int64_t iterations = affordable_iterations();
    for (int64_t i = 0; i < iterations; ++i) {
      const double done = (static_cast<double>(i) + 0.5) / static_cast<double>(iterations);
      const bool penalized = done > kFree;
      if (penalized) {
        const double cosine = 0.5 * (1 + std::cos(M_PI * (done - kFree) / (1 - kFree)));
        penalty.set(kLastBeta + (kFirstBeta - kLastBeta) * cosine);
      }
      adam.next(kRate * (1 - kFall * done));
      bias_adam.next(kBiasRate * (1 - kFall * done));
      find_slopes(i % batches_);
      for (int64_t r = 0; r < rows_; ++r) {
        if (scales[idx(r)] == 0) continue;
        for (int64_t c = 0; c < columns_; ++c) {
          const size_t at = idx(r * columns_ + c);
          float slope = slopes_[idx(c * rows_ + r)] * units_[at] * scales[idx(r)];
          if (penalized) slope += pull[idx(r)] * penalty.slope(points_[at]);
          points_[at] = std::clamp(points_[at] + adam.move(at, slope), low_[at], high_[at]);
        }
        if (given_.free_bias) move_bias(r, scales[idx(r)], bias_adam);
      }
    }
  }

  int64_t affordable_iterations() const {
    double weights = 0;
    for (const Matrix& target : given_.targets) weights += static_cast<double>(target.elements.size());
    return std::min(given_.iterations, static_cast<int64_t>(kMostMacs / (2 * kBatch * std::max(weights, 1.0))));
  }

  void move_bias(int64_t row, float scale, Adam& adam) {
    const auto noise = static_cast<float>(std::sqrt(losses_[idx(row)]));
    float sum = 0;
    for (int64_t p = 0; p < kBatch; ++p) sum += errors_[idx(p * rows_ + row)];
    bias_[idx(row)] += noise * adam.move(idx(row), sum * scale * noise);
  }

  // The penalty's weight by row.
  std::vector<float> penalties(const std::vector<float>& scales) const {
    std::vector<float> squares(idx(columns_), 0.0F), result;
    for (int64_t c = 0; c < columns_; ++c) {
      for (int64_t p = 0; p < kBatch; ++p)
        squares[idx(c)] += inputs_[idx(c * kBatch + p)] * inputs_[idx(c * kBatch + p)];
    }
    for (int64_t r = 0; r < rows_; ++r) {
      float sum = 0;
      for (int64_t c = 0; c < columns_; ++c) {
        const float unit = units_[idx(r * columns_ + c)];
        sum += squares[idx(c)] * unit * unit;
      }
      result.push_back(kPenaltyShare * scales[idx(r)] * sum / static_cast<float>(columns_));
    }
    return result;
  }

  // Of half the sum of squares over a batch: errors_ [position][row] by the sums, slopes_ [column][row] by the weights.
  void find_slopes(int64_t batch) {
    set_weights();
    add_up(batch, bias_, sums_.data());
    const float* wanted = wanted_.data() + batch * rows_ * kBatch;
    for (int64_t r = 0; r < rows_; ++r) {
      for (int64_t p = 0; p < kBatch; ++p) {
        const float y = sums_[idx(r * kBatch + p)];
        errors_[idx(p * rows_ + r)] = given_.limits(y) == y ? y - wanted[r * kBatch + p] : 0.0F;
      }
    }
    const kernels::ColumnRun run{.b = 0, .out = 0, .count = rows_};
    kernels::multiply({.rows = columns_,
                       .depth = kBatch,
                       .a = inputs_.data() + batch * columns_ * kBatch,
                       .a_row = kBatch,
                       .a_step = 1,
                       .b = errors_.data(),
                       .lines = position_lines_.data(),
                       .runs = {&run, 1},
                       .out = slopes_.data(),
                       .out_stride = rows_});
  }

  const AdaptiveRounding& given_;
  std::span<const Place> places_;
  int64_t group_, first_, rows_, columns_, batches_;
  std::vector<float> inputs_;                                 // [batch][column][position]
  std::vector<float> wanted_;                                 // [batch][row][position]
  std::vector<float> weights_, points_, units_, low_, high_;  // [row][column]
  std::vector<float> bias_;                                   // [row]
  std::vector<float> sums_, errors_, slopes_;
  std::vector<double> losses_;  // [row]
  std::vector<int32_t> column_lines_, position_lines_;
};

}  // namespace

AdaptedRounding adapt_rounding(const AdaptiveRounding& given, int threads) {
  TINYC_CHECK(!given.samples.empty());
  AdaptedRounding result{given.steps, given.bias};
  const std::vector<Place> places = choose_places(given);
  const int64_t blocks = (given.samples.front()->rows + kRowBlock - 1) / kRowBlock;
  parallel_for(given.samples.front()->groups * blocks, threads, [&](int64_t i, int /*thread*/) {
    Learner(given, places, i / blocks, i % blocks * kRowBlock).learn(result);
  });
  return result;
}

}  // namespace tinyc
