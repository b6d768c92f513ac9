// What a change to a graph must keep, and how near it must stay.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/quant/error_sums.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {

// Signal to noise of the first output of the simulated graph, on samples that no pass has seen.
inline double sqnr(const Graph& reference, const Graph& graph) {
  Program::Options options;
  options.engine = Engine::kSimulated;
  const Program exact(reference), other(graph, options);
  Workspace workspace;
  ErrorSums sums;
  for (uint64_t seed = 1; seed <= 64; ++seed) {
    const Sample sample = random_sample(reference, 99991 * seed);
    const Tensor wanted = exact.run(sample, workspace).front(), is = other.run(sample, workspace).front();
    sums.add(wanted.data<float>(), is.data<float>());
  }
  return sums.sqnr_db();
}

// But for rounding, beside the largest element of each output.
inline void expect_close_outputs(const std::vector<Tensor>& expected, const std::vector<Tensor>& actual) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto a = expected[i].data<float>(), b = actual[i].data<float>();
    float largest = 0.0F;
    for (const float x : a) largest = std::max(largest, std::abs(x));
    for (size_t k = 0; k < a.size(); ++k) ASSERT_NEAR(b[k], a[k], 1e-4F * largest) << "output " << i;
  }
}

// Of graphs with the same values.
inline void expect_same_constants(const Graph& one, const Graph& other) {
  ASSERT_EQ(one.values.size(), other.values.size());
  for (size_t i = 0; i < one.values.size(); ++i) {
    const Value &a = one.values[i], &b = other.values[i];
    EXPECT_EQ(a.quant.has_value(), b.quant.has_value()) << a.name;
    ASSERT_EQ(a.constant.has_value(), b.constant.has_value()) << a.name;
    EXPECT_TRUE(!a.constant || a.constant->same_bytes(*b.constant)) << a.name;
  }
}

}  // namespace tinyc::testing
