// Moments against loops over the columns of an im2col; targets and biases against what defines them.
#include "tinyc/quant/second_order.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/graph_builder.h"

namespace tinyc::testing {
namespace {

// Positions of random numbers, as a layer of `groups` groups sees them.
LinearForm form_of(const Tensor& data, int64_t groups, int64_t columns) {
  LinearForm form;
  form.groups = groups;
  form.columns = columns;
  form.positions = data.dims()[0];
  form.gather = [=](int64_t group, int64_t first, int64_t count, float* out, int64_t stride) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t c = 0; c < columns; ++c) {
        out[i * stride + c] = data.data<float>()[static_cast<size_t>(((first + i) * groups + group) * columns + c)];
      }
    }
  };
  return form;
}

struct Samples {
  std::vector<Tensor> x, f;
  std::vector<LinearForm> now, wanted;
  std::vector<MomentSample> all;

  Samples(int64_t groups, int64_t columns, const std::vector<int64_t>& positions) {
    uint64_t seed = 0;
    for (const int64_t count : positions) {
      x.push_back(GraphBuilder::random_tensor({count, groups * columns}, 1.0F, ++seed));
      f.push_back(GraphBuilder::random_tensor({count, groups * columns}, 1.0F, ++seed));
      now.push_back(form_of(x.back(), groups, columns));
      wanted.push_back(form_of(f.back(), groups, columns));
    }
    for (size_t i = 0; i < now.size(); ++i) all.push_back({&now[i], &wanted[i]});
  }
  Samples(const Samples&) = delete;
  Samples& operator=(const Samples&) = delete;
};

double mean_product(const std::vector<Tensor>& a, const std::vector<Tensor>& b, int64_t i, int64_t j) {
  double sum = 0;
  int64_t count = 0;
  for (size_t s = 0; s < a.size(); ++s) {
    const int64_t width = a[s].dims()[1];
    for (int64_t p = 0; p < a[s].dims()[0]; ++p, ++count) {
      sum += static_cast<double>(a[s].data<float>()[static_cast<size_t>(p * width + i)]) *
             static_cast<double>(b[s].data<float>()[static_cast<size_t>(p * width + j)]);
    }
  }
  return sum / static_cast<double>(count);
}

TEST(Moments, AreThoseOfLoops) {
  constexpr int64_t kColumns = 37;
  const Samples samples(2, kColumns, {5, 300, 41});
  const std::vector<MomentSums> sums = sum_moments(samples.all, 1, 2);
  ASSERT_EQ(sums.size(), 2U);
  for (int64_t g = 0; g < 2; ++g) {
    const Moments moments = sums[static_cast<size_t>(g)].moments(false);
    for (int64_t i = 0; i < kColumns; ++i) {
      for (int64_t j = 0; j < kColumns; ++j) {
        const int64_t a = g * kColumns + i, b = g * kColumns + j;
        ASSERT_NEAR(moments.h(i, j), mean_product(samples.x, samples.x, a, b), 1e-6);
        ASSERT_NEAR(moments.a(i, j), mean_product(samples.f, samples.x, a, b), 1e-6);
      }
    }
  }
}

TEST(Moments, AreTheSameBitsForAnyNumberOfThreads) {
  const Samples samples(3, 70, {200, 7, 130});
  const std::vector<MomentSums> one = sum_moments(samples.all, 1, 1);
  const std::vector<MomentSums> three = sum_moments(samples.all, 1, 3);
  for (size_t g = 0; g < one.size(); ++g) {
    EXPECT_EQ(one[g].xx.elements, three[g].xx.elements);
    EXPECT_EQ(one[g].fx.elements, three[g].fx.elements);
    EXPECT_EQ(one[g].x, three[g].x);
    EXPECT_EQ(one[g].f, three[g].f);
  }
}

TEST(Moments, PartsMerge) {
  const Samples samples(1, 6, {256, 256});
  MomentSums parts = sum_moments(std::span(samples.all).first(1), 1, 1)[0];
  parts.merge(sum_moments(std::span(samples.all).last(1), 1, 1)[0]);
  const MomentSums all = sum_moments(samples.all, 1, 1)[0];
  EXPECT_EQ(parts.xx.elements, all.xx.elements);
  EXPECT_EQ(parts.positions, 512);
}

TEST(Moments, AStrideLeavesTilesOut) {
  const Samples samples(1, 4, {1000});
  EXPECT_EQ(sum_moments(samples.all, 1, 1)[0].positions, 1000);
  EXPECT_EQ(sum_moments(samples.all, 2, 1)[0].positions, 512);
  EXPECT_EQ(sum_moments(samples.all, 100, 1)[0].positions, 256);
}

TEST(Moments, CentredAreCovariances) {
  const Samples samples(1, 5, {64});
  const Moments raw = sum_moments(samples.all, 1, 1)[0].moments(false);
  const Moments centred = sum_moments(samples.all, 1, 1)[0].moments(true);
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t j = 0; j < 5; ++j) {
      const auto a = static_cast<size_t>(i), b = static_cast<size_t>(j);
      EXPECT_NEAR(centred.h(i, j), raw.h(i, j) - raw.mean_x[a] * raw.mean_x[b], 1e-12);
      EXPECT_NEAR(centred.a(i, j), raw.a(i, j) - raw.mean_f[a] * raw.mean_x[b], 1e-12);
    }
  }
}

// Sums of products of large numbers that hardly differ are off by more than they vary, to below 0 even.
TEST(Moments, WhatVariesLessThanItsSumsAreExactIsConstant) {
  MomentSums sums(2);
  sums.positions = 4;
  sums.x = {4000.0, 2.0};
  sums.f = {4000.0, 2.0};
  sums.xx(0, 0) = 4e6 - 0.5;  // 1000, four times
  sums.xx(0, 1) = 2000.1;
  sums.xx(1, 1) = 3.0;
  sums.fx(0, 0) = 4e6 + 0.5;
  sums.fx(1, 1) = 3.0;
  const Moments covariances = sums.moments(true);
  EXPECT_EQ(covariances.h(0, 0), 0);
  EXPECT_EQ(covariances.h(0, 1), 0);
  EXPECT_EQ(covariances.h(1, 0), 0);
  EXPECT_EQ(covariances.a(0, 0), 0);
  EXPECT_EQ(covariances.h(1, 1), 0.5);
}

Matrix random_matrix(int64_t rows, int64_t columns, uint64_t seed) {
  Rng rng(seed);
  Matrix matrix(rows, columns);
  for (double& x : matrix.elements) x = rng.uniform(-1.0, 1.0);
  return matrix;
}

// The target is where the error stands still: moved a little in any direction, it only grows.
TEST(SecondOrder, NoWeightsAreBetterThanTheTarget) {
  const Samples samples(1, 6, {400});
  const Moments moments = sum_moments(samples.all, 1, 1)[0].moments(true);
  const Matrix weights = random_matrix(3, 6, 1);
  const Matrix target = best_weights(weights, moments, 1e-12);
  const double least = error_above_zeros(target, weights, moments);
  for (uint64_t seed = 2; seed < 40; ++seed) {
    Matrix other = random_matrix(3, 6, seed);
    for (size_t i = 0; i < other.elements.size(); ++i)
      other.elements[i] = target.elements[i] + 0.01 * other.elements[i];
    EXPECT_GT(error_above_zeros(other, weights, moments), least);
  }
  EXPECT_LT(least, error_above_zeros(weights, weights, moments));
}

TEST(SecondOrder, EqualInputsLeaveTheWeightsAlone) {
  const Samples samples(1, 6, {50});
  const std::vector<MomentSample> same{{&samples.now[0], &samples.now[0]}};
  const Moments moments = sum_moments(same, 1, 1)[0].moments(true);
  const Matrix weights = random_matrix(3, 6, 1), target = best_weights(weights, moments, 1e-3);
  for (size_t i = 0; i < target.elements.size(); ++i) EXPECT_NEAR(target.elements[i], weights.elements[i], 1e-9);
}

TEST(SecondOrder, BiasesBringTheMeanOutputBack) {
  const Samples samples(1, 4, {100});
  const Moments moments = sum_moments(samples.all, 1, 1)[0].moments(true);
  const Matrix weights = random_matrix(2, 4, 1), stored = random_matrix(2, 4, 2);
  const std::vector<double> shift = bias_shift(weights, stored, moments);
  for (int64_t r = 0; r < 2; ++r) {
    double wanted = 0, is = 0;
    for (int64_t c = 0; c < 4; ++c) {
      wanted += weights(r, c) * moments.mean_f[static_cast<size_t>(c)];
      is += stored(r, c) * moments.mean_x[static_cast<size_t>(c)];
    }
    EXPECT_NEAR(is + shift[static_cast<size_t>(r)], wanted, 1e-12);
  }
}

// No change of a free weight gains; held ones are 0.
TEST(SecondOrder, FreeWeightsMakeUpForThoseThatAreHeld) {
  const Samples samples(1, 8, {300});
  const Moments moments = sum_moments(samples.all, 1, 1)[0].moments(false);
  const OutputError error{damped(moments.h, 1e-6), random_matrix(3, 8, 5)};
  GroupMask held{8, std::vector<uint8_t>(24, 0)};
  for (size_t i = 0; i < 24; i += 3) held.held[i] = 1;
  std::fill(held.held.begin() + 16, held.held.end(), uint8_t{1});
  const Matrix best = best_with_zeros(error, held, 2);
  for (int64_t r = 0; r < 3; ++r) {
    for (int64_t c = 0; c < 8; ++c) {
      double slope = 0;
      for (int64_t i = 0; i < 8; ++i) slope += (best(r, i) - error.target(r, i)) * error.h(i, c);
      if (held(r, c)) {
        EXPECT_EQ(best(r, c), 0.0);
      } else {
        EXPECT_NEAR(slope, 0.0, 1e-12);
      }
    }
  }
  EXPECT_EQ(best_with_zeros(error, {}, 1).elements, error.target.elements);
}

TEST(SecondOrder, DampingRaisesTheDiagonal) {
  Matrix h(2, 2);
  h(0, 0) = 3.0;
  h(1, 1) = 1.0;
  EXPECT_EQ(damped(h, 0.5)(0, 0), 4.0);
  EXPECT_EQ(damped(h, 0.5)(1, 1), 2.0);
  EXPECT_EQ(damped(Matrix(2, 2), 0.5)(1, 1), 1.0) << "a layer without input";
}

}  // namespace
}  // namespace tinyc::testing
