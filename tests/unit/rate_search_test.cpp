// rate_search: a price makes integers cheaper to code, what is paid for it is what the form says, and price-weights
// keeps its promise about noise.
#include "tinyc/quant/rate_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/quant/error_sums.h"
#include "unit/random_error.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

RateSearch search_of(int64_t rows, int64_t columns, double share) {
  RateSearch search;
  search.groups = {random_error(rows, columns, 3)};
  search.scale_of.resize(1);
  for (int64_t r = 0; r < rows; ++r) search.scale_of[0].push_back(static_cast<size_t>(r));
  search.smallest.assign(static_cast<size_t>(rows), 0.0);
  // The rows weigh alike beside their power, and all their noise together is `share` of it.
  search.noise = share / static_cast<double>(rows * columns);
  const auto& [h, target] = search.groups[0];
  search.gains.resize(1);
  for (int64_t r = 0; r < rows; ++r) {
    double power = 0;
    for (int64_t i = 0; i < columns; ++i) {
      for (int64_t j = 0; j < columns; ++j) power += target(r, i) * h(i, j) * target(r, j);
    }
    search.gains[0].push_back(1 / power / static_cast<double>(rows));
  }
  return search;
}

// Share of the power of the rows that is noise.
double noise_of(const RateSearch& search, const RatePoint& point) {
  const auto& [h, target] = search.groups[0];
  double noise = 0, power = 0;
  for (int64_t r = 0; r < target.rows; ++r) {
    for (int64_t i = 0; i < h.rows; ++i) {
      for (int64_t j = 0; j < h.rows; ++j) {
        const auto error = [&](int64_t k) {
          return point.scales[static_cast<size_t>(r)] * point.steps[0](r, k) - target(r, k);
        };
        noise += error(i) * h(i, j) * error(j);
        power += target(r, i) * h(i, j) * target(r, j);
      }
    }
  }
  return noise / power;
}

double entropy_of(const RatePoint& point) {
  std::map<double, double> counts;
  for (const double q : point.steps[0].elements) ++counts[q];
  double bits = 0;
  for (const auto& [q, count] : counts) {
    bits -= count * std::log2(count / static_cast<double>(point.steps[0].elements.size()));
  }
  return bits / static_cast<double>(point.steps[0].elements.size());
}

TEST(RateSearch, MeetsTheNoiseThatItIsGiven) {
  for (const double share : {1e-3, 1e-2, 5e-2}) {
    const RateSearch search = search_of(32, 24, share);
    const double noise = noise_of(search, search_rate(search, 1));
    EXPECT_LT(noise, 2.0 * share);
    EXPECT_GT(noise, 0.1 * share);
  }
}

TEST(RateSearch, MoreNoiseTakesFewerBits) {
  const RateSearch quiet = search_of(32, 24, 1e-2), loud = search_of(32, 24, 1e-1);
  EXPECT_LT(entropy_of(search_rate(loud, 1)), entropy_of(search_rate(quiet, 1)) - 1.0);
}

// Against nearest rounding with the same steps for all columns, as coarse as takes the same bits.
TEST(RateSearch, MakesLessNoiseThanRoundingToNearestInAsManyBits) {
  const RateSearch search = search_of(48, 24, 1e-1);
  const RatePoint found = search_rate(search, 1);
  RatePoint nearest = found;
  do {
    for (double& scale : nearest.scales) scale *= 1.02;
    for (int64_t r = 0; r < 48; ++r) {
      for (int64_t c = 0; c < 24; ++c) {
        nearest.steps[0](r, c) = std::nearbyint(search.groups[0].target(r, c) / nearest.scales[static_cast<size_t>(r)]);
      }
    }
  } while (entropy_of(nearest) > entropy_of(found));
  EXPECT_LT(noise_of(search, found), 0.8 * noise_of(search, nearest));
}

TEST(RateSearch, StepsAreOneNumberTimesPowersOfTwo) {
  const RatePoint point = search_rate(search_of(16, 12, 1e-2), 1);
  for (const double scale : point.scales) {
    const double power = std::log2(scale / point.scales[0]);
    EXPECT_EQ(power, std::round(power));
  }
}

TEST(RateSearch, IsTheSameForAnyNumberOfThreads) {
  const RateSearch search = search_of(17, 12, 1e-2);
  const RatePoint one = search_rate(search, 1), three = search_rate(search, 3);
  EXPECT_EQ(one.scales, three.scales);
  EXPECT_EQ(one.steps[0].elements, three.steps[0].elements);
}

TEST(RateSearch, HeldWeightsStayZero) {
  RateSearch search = search_of(8, 12, 0.05);
  GroupMask held{12, std::vector<uint8_t>(96, 0)};
  for (size_t i = 0; i < held.held.size(); i += 3) held.held[i] = 1;
  search.held = {held};
  const RatePoint point = search_rate(search, 1);
  for (size_t i = 0; i < held.held.size(); i += 3) EXPECT_EQ(point.steps[0].elements[i], 0.0);
}

TEST(RateSearch, RowsThatWeighLittleTakeFewBits) {
  RateSearch search = search_of(32, 24, 1e-2);
  const double before = entropy_of(search_rate(search, 1));
  for (size_t r = 0; r < 16; ++r) search.gains[0][r] *= 0x1p-10;
  const RatePoint point = search_rate(search, 1);
  EXPECT_LT(entropy_of(point), before - 0.5);  // half of the integers are 0, which takes a bit to say
  int zeros = 0;
  for (int64_t c = 0; c < 16 * 24; ++c) zeros += point.steps[0].elements[static_cast<size_t>(c)] == 0 ? 1 : 0;
  EXPECT_GT(zeros, 16 * 24 / 3);
}

TEST(RateSearch, StaysWithinItsIntegers) {
  RateSearch search = search_of(8, 12, 1e-9);
  search.q_max = 7;
  const RatePoint point = search_rate(search, 1);
  for (const double q : point.steps[0].elements) EXPECT_LE(std::abs(q), 7.0);
}

TEST(PriceWeights, LayersTakeTheNoiseThatTheyAreGiven) {
  const Graph reference = folded(separable_convolutions());
  QuantizationSettings settings;
  settings.weight_noise = 0.02;
  CalibratedContext calibrated(reference, settings);
  calibrated.context.samples.clear();
  for (uint64_t seed = 0; seed < 24; ++seed) {
    calibrated.context.samples.push_back(random_sample(reference, 1000 + 17 * seed));
  }
  Graph graph = reference;
  run_pass(graph, "annotate", calibrated.context);
  ASSERT_TRUE(run_pass(graph, "price-weights", calibrated.context));
  for (const Node& node : graph.nodes) {
    if (op_name(node) != "Conv") continue;
    const Value& weight = graph[node.inputs[1]];
    const auto& params = std::get<QParams>(*weight.quant);
    EXPECT_TRUE(dequantize(quantize(*weight.constant, params), params).same_bytes(*weight.constant)) << node.name;
  }
  EXPECT_GT(calibrated.context.counters.at("price-weights.layers"), 0);
}

TEST(PriceWeights, NeedsSamples) {
  const Graph reference = folded(separable_convolutions());
  QuantizationSettings settings;
  settings.weight_noise = 0.02;
  CalibratedContext calibrated(reference, settings);
  calibrated.context.samples.clear();
  Graph graph = reference;
  run_pass(graph, "annotate", calibrated.context);
  EXPECT_THROW(run_pass(graph, "price-weights", calibrated.context), Error);
}

TEST(PriceWeights, IsOffWithoutNoise) {
  const Graph reference = folded(separable_convolutions());
  CalibratedContext calibrated(reference);
  Graph graph = reference;
  run_pass(graph, "annotate", calibrated.context);
  EXPECT_FALSE(run_pass(graph, "price-weights", calibrated.context));
}

}  // namespace
}  // namespace tinyc::testing
