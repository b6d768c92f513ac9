// codebook_search: weights share few values, these are better than simpler ones, and zeros stay; cluster-weights gives
// layers such weights.
#include "tinyc/quant/codebook_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "quant/weighted_line.h"
#include "tinyc/ir/linear_quantization.h"
#include "unit/codebook_searches.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

// Each weight at the value nearest to it, rows divided by their largest weight.
double error_of_nearest(const CodebookSearch& search, const std::vector<double>& values) {
  double sum = 0;
  for (const OutputError& group : search.groups) {
    for (int64_t r = 0; r < group.target.rows; ++r) {
      double largest = 0;
      for (const double t : group.target.row(r)) largest = std::max(largest, std::abs(t));
      std::vector<double> weights;
      for (const double t : group.target.row(r)) {
        weights.push_back(largest * *std::min_element(values.begin(), values.end(), [&](double a, double b) {
                            return std::abs(a - t / largest) < std::abs(b - t / largest);
                          }));
      }
      sum += row_error(group, r, weights);
    }
  }
  return sum;
}

TEST(CodebookSearch, WeightsTakeFewValues) {
  for (int bits = 1; bits <= 5; ++bits) {
    const CodebookSearch search = codebook_search(12, 16, bits);
    const CodebookPoint point = search_codebook(search, 1);
    ASSERT_LE(point.codebook.size(), size_t{1} << bits);
    const std::set<double> known(point.codebook.begin(), point.codebook.end());
    EXPECT_EQ(known.size(), point.codebook.size());
    for (const double c : point.codebook) {
      EXPECT_EQ(c, std::round(c));
      EXPECT_LE(std::abs(c), 127.0);
    }
    for (const Matrix& steps : point.steps) {
      for (const double q : steps.elements) EXPECT_TRUE(known.contains(q)) << q;
    }
    EXPECT_NEAR(point.error, error_of(search, point), 1e-6 * point.error);
  }
}

TEST(CodebookSearch, MakesLessErrorThanNearestValues) {
  for (int bits = 2; bits <= 4; ++bits) {
    const CodebookSearch search = codebook_search(12, 16, bits);
    const double found = search_codebook(search, 1).error;
    const size_t count = size_t{1} << bits;
    std::vector<WeightedNumber> numbers;
    for (const OutputError& group : search.groups) {
      for (int64_t r = 0; r < group.target.rows; ++r) {
        double largest = 0;
        for (const double t : group.target.row(r)) largest = std::max(largest, std::abs(t));
        for (const double t : group.target.row(r)) numbers.push_back({t / largest, 1.0});
      }
    }
    Rng rng(0);
    EXPECT_LT(found, 0.8 * error_of_nearest(search, WeightedLine(numbers).cluster(count, false, rng)));
    double uniform = HUGE_VAL;
    for (double reach = 0.3; reach <= 1.0; reach += 0.05) {
      std::vector<double> grid;
      for (size_t i = 0; i < count; ++i) {
        grid.push_back(reach * (2.0 * static_cast<double>(i) / static_cast<double>(count - 1) - 1.0));
      }
      uniform = std::min(uniform, error_of_nearest(search, grid));
    }
    EXPECT_LT(found, 0.8 * uniform);
  }
}

TEST(CodebookSearch, MoreValuesMakeLessError) {
  double before = HUGE_VAL;
  for (int bits = 1; bits <= 6; ++bits) {
    const double error = search_codebook(codebook_search(12, 16, bits), 1).error;
    EXPECT_LT(error, 0.7 * before);
    before = error;
  }
}

TEST(CodebookSearch, HeldWeightsStayZero) {
  CodebookSearch search = codebook_search(8, 12, 2);
  GroupMask held{12, std::vector<uint8_t>(96, 0)};
  for (size_t i = 0; i < held.held.size(); i += 3) held.held[i] = 1;
  search.held = {held, held};
  const CodebookPoint point = search_codebook(search, 1);
  EXPECT_LE(point.codebook.size(), 4);
  for (const Matrix& steps : point.steps) {
    for (size_t i = 0; i < held.held.size(); i += 3) EXPECT_EQ(steps.elements[i], 0.0);
    EXPECT_LT(std::count(steps.elements.begin(), steps.elements.end(), 0.0), 64);  // 32 are held
  }
}

TEST(CodebookSearch, RowsOfZerosStayZero) {
  CodebookSearch search = codebook_search(6, 12, 1);
  for (double& t : search.groups[0].target.row(3)) t = 0.0;
  const CodebookPoint point = search_codebook(search, 1);
  for (const double q : point.steps[0].row(3)) EXPECT_EQ(q, 0.0);
  for (const double scale : point.scales) EXPECT_GT(scale, 0.0);
}

TEST(CodebookSearch, ALayerOfZerosHasOneValue) {
  CodebookSearch search = codebook_search(3, 5, 3);
  for (OutputError& group : search.groups) std::fill(group.target.elements.begin(), group.target.elements.end(), 0.0);
  const CodebookPoint point = search_codebook(search, 1);
  EXPECT_EQ(point.codebook, std::vector<double>{0.0});
  EXPECT_EQ(point.error, 0.0);
}

TEST(CodebookSearch, IsTheSameForAnyNumberOfThreads) {
  const CodebookSearch search = codebook_search(17, 12, 3);
  const CodebookPoint one = search_codebook(search, 1), three = search_codebook(search, 3);
  EXPECT_EQ(one.scales, three.scales);
  EXPECT_EQ(one.codebook, three.codebook);
  EXPECT_EQ(one.steps[0].elements, three.steps[0].elements);
  EXPECT_EQ(one.steps[1].elements, three.steps[1].elements);
}

TEST(CodebookSearch, ScalesAreWhatCanBeStored) {
  CodebookSearch search = codebook_search(8, 12, 3);
  search.smallest[2] = 1.0;
  search.power_of_two_scales = true;
  const CodebookPoint point = search_codebook(search, 1);
  EXPECT_GE(point.scales[2], 1.0);
  for (const double scale : point.scales) EXPECT_EQ(std::log2(scale), std::round(std::log2(scale)));
}

TEST(CodebookSearch, RowsMayShareAScale) {
  CodebookSearch search = codebook_search(8, 12, 4);
  for (std::vector<size_t>& of_row : search.scale_of) std::fill(of_row.begin(), of_row.end(), 0);
  search.smallest = {0.0};
  const CodebookPoint point = search_codebook(search, 1);
  ASSERT_EQ(point.scales.size(), 1);
  EXPECT_NEAR(point.error, error_of(search, point), 1e-6 * point.error);
}

TEST(WeightedLine, FindsWhatIsApart) {
  const WeightedLine line({{9.0, 1.0}, {-5.0, 1.0}, {11.0, 3.0}, {0.1, 1.0}, {-0.1, 1.0}, {-5.5, 1.0}});
  Rng rng(0);
  const std::vector<double> centres = line.cluster(3, false, rng);
  ASSERT_EQ(centres.size(), 3);
  EXPECT_NEAR(centres[0], -5.25, 1e-12);
  EXPECT_NEAR(centres[1], 0.0, 1e-12);
  EXPECT_NEAR(centres[2], 10.5, 1e-12);
  EXPECT_NEAR(line.error(centres), 2 * 0.0625 + 2 * 0.01 + 2.25 + 3 * 0.25, 1e-9);
}

TEST(WeightedLine, KeepsZeroWhereItIsWanted) {
  const WeightedLine line({{1.0, 1.0}, {2.0, 1.0}, {3.0, 1.0}, {7.0, 1.0}});
  Rng rng(0);
  EXPECT_EQ(line.cluster(1, true, rng), std::vector<double>{0.0});
  const std::vector<double> centres = line.cluster(2, true, rng);
  EXPECT_EQ(centres.front(), 0.0);
  EXPECT_EQ(centres.size(), 2);
}

TEST(WeightedLine, HasNoMoreCentresThanNumbers) {
  const WeightedLine line({{1.0, 1.0}, {2.0, 1.0}, {2.0, 1.0}});
  Rng rng(0);
  const std::vector<double> centres = line.cluster(8, false, rng);
  EXPECT_LE(centres.size(), 8);
  EXPECT_NEAR(line.error(centres), 0.0, 1e-12);
}

class ClusterWeights : public ::testing::Test {
 protected:
  static size_t most_values(const Graph& graph) {
    size_t most = 0;
    for (const Node& node : graph.nodes) {
      if (op_name(node) != "Conv") continue;
      const Value& weight = graph[node.inputs[1]];
      const auto& params = std::get<QParams>(*weight.quant);
      const Tensor stored = quantize(*weight.constant, params);
      EXPECT_TRUE(dequantize(stored, params).same_bytes(*weight.constant)) << node.name;
      const auto integers = stored.data<int8_t>();
      most = std::max(most, std::set<int8_t>(integers.begin(), integers.end()).size());
    }
    return most;
  }

  static QuantizationSettings settings(int bits) {
    QuantizationSettings settings;
    settings.codebook_bits = bits;
    return settings;
  }

  const Graph reference_ = folded(separable_convolutions());
};

TEST_F(ClusterWeights, LayersShareValues) {
  CalibratedContext calibrated(reference_, settings(2));
  Graph graph = reference_;
  run_pass(graph, "annotate", calibrated.context);
  ASSERT_TRUE(run_pass(graph, "cluster-weights", calibrated.context));
  EXPECT_LE(most_values(graph), 4);
  EXPECT_GT(most_values(graph), 1);
  EXPECT_GT(calibrated.context.counters.at("cluster-weights.layers"), 0);
  EXPECT_GT(calibrated.context.counters.at("cluster-weights.values"), 0);
  EXPECT_FALSE(run_pass(graph, "price-weights", calibrated.context));
  run_pass(graph, "optimize-rounding", calibrated.context);
  EXPECT_LE(most_values(graph), 4);
}

TEST_F(ClusterWeights, NeedsSamples) {
  CalibratedContext calibrated(reference_, settings(2));
  calibrated.context.samples.clear();
  Graph graph = reference_;
  run_pass(graph, "annotate", calibrated.context);
  EXPECT_THROW(run_pass(graph, "cluster-weights", calibrated.context), Error);
}

TEST_F(ClusterWeights, IsOffWithoutACodebook) {
  CalibratedContext calibrated(reference_);
  Graph graph = reference_;
  run_pass(graph, "annotate", calibrated.context);
  EXPECT_FALSE(run_pass(graph, "cluster-weights", calibrated.context));
}

}  // namespace
}  // namespace tinyc::testing
