// Codebooks of vectors: rows are made of entries, with less error than single values of as many bits leave, and zeros
// stay; shapes that layers can afford; groups of rows with codebooks of their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "quant/vector_clusters.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/quant/codebook_search.h"
#include "tinyc/quant/codebook_shape.h"
#include "unit/codebook_searches.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

constexpr int64_t kRows = 40, kColumns = 16;

CodebookSearch search_of(int bits, int64_t length) {
  return codebook_search(kRows, kColumns, bits, length);
}

using Vectors = std::set<std::vector<double>>;

// Of the rows [first, first + count) of all groups together, cut as the search says.
Vectors vectors_of(const CodebookSearch& search, const CodebookPoint& point, int64_t first = 0, int64_t count = 1000) {
  std::vector<int64_t> order = search.order;
  if (order.empty()) {
    order.resize(kColumns);
    std::iota(order.begin(), order.end(), 0);
  }
  Vectors vectors;
  int64_t place = 0;
  for (const Matrix& steps : point.steps) {
    for (int64_t r = 0; r < steps.rows; ++r, ++place) {
      if (place < first || place >= first + count) continue;
      for (size_t c = 0; c < order.size(); c += static_cast<size_t>(search.length)) {
        std::vector<double> vector;
        for (size_t j = c; j < c + static_cast<size_t>(search.length); ++j) vector.push_back(steps(r, order[j]));
        vectors.insert(vector);
      }
    }
  }
  return vectors;
}

TEST(VectorSearch, RowsAreMadeOfEntries) {
  for (const int64_t length : {2, 4, 8}) {
    CodebookSearch search = search_of(5, length);
    for (int64_t c = 0; c < kColumns; ++c) search.order.push_back(c % 4 * 4 + c / 4);
    const CodebookPoint point = search_codebook(search, 1);
    EXPECT_LE(point.codebook.size(), 32U * static_cast<size_t>(length));
    const Vectors found = vectors_of(search, point);
    EXPECT_LE(found.size(), 32);
    EXPECT_GT(found.size(), 16);
    for (const double c : point.codebook) EXPECT_LE(std::abs(c), 127.0);
    for (const Matrix& steps : point.steps) {
      for (const double q : steps.elements) EXPECT_EQ(q, std::round(q));
    }
    EXPECT_NEAR(point.error, error_of(search, point), 1e-6 * point.error);
  }
}

TEST(VectorSearch, MakesLessErrorThanSingleValuesOfAsManyBits) {
  const double values = search_codebook(search_of(2, 1), 1).error;
  EXPECT_LT(search_codebook(search_of(4, 2), 1).error, values);
  EXPECT_LT(search_codebook(search_of(8, 4), 1).error, 0.5 * values);
}

TEST(VectorSearch, MoreEntriesMakeLessError) {
  double before = HUGE_VAL;
  for (const int bits : {1, 3, 5, 7}) {
    const double error = search_codebook(search_of(bits, 4), 1).error;
    EXPECT_LT(error, 0.8 * before);
    before = error;
  }
}

TEST(VectorSearch, HeldWeightsStayZero) {
  CodebookSearch search = search_of(5, 4);
  GroupMask held{kColumns, std::vector<uint8_t>(kRows * kColumns, 0)};
  Rng rng(3);
  for (uint8_t& flag : held.held) flag = rng.below(2) == 0 ? 1 : 0;
  search.held = {held, held};
  const CodebookPoint point = search_codebook(search, 1);
  EXPECT_LE(vectors_of(search, point).size(), 32);
  int64_t others = 0;
  for (const Matrix& steps : point.steps) {
    for (size_t i = 0; i < held.held.size(); ++i) {
      EXPECT_TRUE(held.held[i] == 0 || steps.elements[i] == 0.0);
      others += held.held[i] == 0 && steps.elements[i] != 0 ? 1 : 0;
    }
  }
  EXPECT_GT(others, kRows * kColumns / 2);  // half of all are held
}

TEST(VectorSearch, RowsOfZerosStayZero) {
  CodebookSearch search = search_of(3, 4);
  for (double& t : search.groups[0].target.row(3)) t = 0.0;
  const CodebookPoint point = search_codebook(search, 1);
  for (const double q : point.steps[0].row(3)) EXPECT_EQ(q, 0.0);
  for (OutputError& group : search.groups) std::fill(group.target.elements.begin(), group.target.elements.end(), 0.0);
  EXPECT_EQ(search_codebook(search, 1).error, 0.0);
}

TEST(VectorSearch, IsTheSameForAnyNumberOfThreads) {
  const CodebookSearch search = search_of(6, 4);
  const CodebookPoint one = search_codebook(search, 1), three = search_codebook(search, 3);
  EXPECT_EQ(one.scales, three.scales);
  EXPECT_EQ(one.codebook, three.codebook);
  EXPECT_EQ(one.steps[0].elements, three.steps[0].elements);
}

TEST(VectorSearch, ScalesAreWhatCanBeStored) {
  CodebookSearch search = search_of(5, 2);
  search.smallest[2] = 1.0;
  search.power_of_two_scales = true;
  const CodebookPoint point = search_codebook(search, 1);
  EXPECT_GE(point.scales[2], 1.0);
  for (const double scale : point.scales) EXPECT_EQ(std::log2(scale), std::round(std::log2(scale)));
}

TEST(CodebookSearch, GroupsOfRowsHaveCodebooksOfTheirOwn) {
  for (const auto& [bits, length] : {std::pair<int, int64_t>{3, 1}, {5, 4}}) {
    CodebookSearch search = search_of(bits, length);
    search.held = {GroupMask(), GroupMask{kColumns, std::vector<uint8_t>(kRows * kColumns, 0)}};
    const double together = search_codebook(search, 1).error;
    search.rows_together = 30;  // of 80, across the two groups
    const CodebookPoint point = search_codebook(search, 1);
    EXPECT_LT(point.error, together);
    EXPECT_NEAR(point.error, error_of(search, point), 1e-6 * point.error);
    const size_t entries = size_t{1} << bits;
    for (int64_t first = 0; first < 2 * kRows; first += 30) {
      EXPECT_LE(vectors_of(search, point, first, 30).size(), entries);
    }
    EXPECT_GT(vectors_of(search, point).size(), entries);
  }
}

LinearForm form_of(int64_t rows, int64_t inputs, int64_t taps) {
  LinearForm form;
  form.rows = rows;
  form.columns = inputs * taps;
  form.row_stride = form.columns;
  for (int64_t c = 0; c < form.columns; ++c) form.column_offsets.push_back(c);
  return form;
}

TEST(CodebookShape, VectorsFitTheLayer) {
  const auto shape = codebook_shape(8, 4, form_of(64, 64, 1), 1, 64);
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->bits, 8);
  EXPECT_EQ(shape->length, 4);
  const auto small = codebook_shape(8, 4, form_of(12, 64, 1), 1, 12);
  EXPECT_EQ(small->length, 2);
  EXPECT_EQ(small->bits, 4);
  const auto odd = codebook_shape(8, 4, form_of(500, 25, 1), 1, 500);
  EXPECT_EQ(odd->length, 1);
  EXPECT_EQ(odd->bits, 2);
  EXPECT_TRUE(odd->order.empty());
  EXPECT_EQ(codebook_shape(3, 1, form_of(12, 64, 1), 1, 12)->bits, 3);
}

TEST(CodebookShape, NeighboursAreInputsOfATapOrTapsOfAnInput) {
  const LinearForm form = form_of(4096, 4, 9);
  const auto inputs = codebook_shape(8, 4, form, 9, 4096), kernels = codebook_shape(8, 0, form, 9, 4096);
  ASSERT_TRUE(inputs && kernels);
  EXPECT_EQ((std::vector<int64_t>(inputs->order.begin(), inputs->order.begin() + 5)),
            (std::vector<int64_t>{0, 9, 18, 27, 1}));
  EXPECT_EQ(kernels->length, 9);
  EXPECT_EQ((std::vector<int64_t>(kernels->order.begin(), kernels->order.begin() + 3)),
            (std::vector<int64_t>{0, 1, 2}));
  EXPECT_FALSE(codebook_shape(8, 0, form_of(64, 64, 1), 1, 64));
  EXPECT_FALSE(codebook_shape(8, 0, form_of(4, 1, 9), 9, 4));
}

TEST(ClusterVectors, FindsWhatIsApart) {
  WeightedVectors vectors{RowMajor(6, 2), RowMajor::Ones(6, 2), std::vector<uint64_t>(6, 0)};
  vectors.x << 9, 1, 11, 1, -5, 4, -5, 6, 0, -8, 0, -8;
  Rng rng(0);
  const Entries entries = cluster_vectors(vectors, 3, false, rng, 1);
  EXPECT_NEAR(clustering_error(vectors, entries, 1), 4.0, 1e-9);
  EXPECT_EQ(cluster_vectors(vectors, 1, true, rng, 1).values, RowMajor::Zero(1, 2));
}

TEST(ClusterVectors, EntriesAreZeroWhereTheirVectorsAre) {
  WeightedVectors vectors{RowMajor(200, 4), RowMajor::Ones(200, 4), {}};
  Rng rng(0);
  for (Eigen::Index i = 0; i < 200; ++i) {
    const auto held = static_cast<uint64_t>(i % 16);
    vectors.held.push_back(held);
    for (Eigen::Index j = 0; j < 4; ++j) {
      vectors.x(i, j) = (held >> j & 1U) == 0 ? rng.uniform(-1.0, 1.0) : 0.0;
    }
  }
  const Entries entries = cluster_vectors(vectors, 64, true, rng, 1);
  for (Eigen::Index k = 0; k < entries.size(); ++k) {
    for (Eigen::Index j = 0; j < 4; ++j) {
      EXPECT_TRUE((entries.zeros[static_cast<size_t>(k)] >> j & 1U) == 0 || entries.values(k, j) == 0.0);
    }
  }
  EXPECT_LT(clustering_error(vectors, entries, 1), 0.2 * vectors.x.squaredNorm());
}

TEST(ClusterWeightsToVectors, OfALayer) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 32});
  const Graph reference = b.finish({b.node("Gemm", {x, b.random("w", {24, 32}, 0.3F)}, {{"transB", int64_t{1}}})});
  QuantizationSettings settings;
  settings.codebook_bits = 4;
  settings.codebook_vector = 4;
  CalibratedContext calibrated(reference, settings);
  Graph graph = reference;
  run_pass(graph, "annotate", calibrated.context);
  ASSERT_TRUE(run_pass(graph, "cluster-weights", calibrated.context));
  EXPECT_EQ(calibrated.context.counters.at("cluster-weights.vectors"), 16);
  const Value& weight = graph[graph.nodes[0].inputs[1]];
  const Tensor stored = quantize(*weight.constant, std::get<QParams>(*weight.quant));
  std::set<std::vector<int8_t>> vectors;
  for (size_t i = 0; i < 24 * 32; i += 4) {
    const auto four = stored.data<int8_t>().subspan(i, 4);
    vectors.insert({four.begin(), four.end()});
  }
  EXPECT_LE(vectors.size(), 16);
}

}  // namespace
}  // namespace tinyc::testing
