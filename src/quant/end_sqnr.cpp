#include "tinyc/quant/end_sqnr.h"

#include "tinyc/eval/remainder.h"
#include "tinyc/quant/error_sums.h"
#include "tinyc/quant/judges.h"
#include "tinyc/quant/variants.h"

namespace tinyc {
namespace {

constexpr NodeId kFirst{0};

}  // namespace

double mean_sqnr_db(std::span<const std::vector<Tensor>> expected, std::span<const std::vector<Tensor>> actual) {
  double sum = 0;
  const size_t values = expected.front().size();
  for (size_t k = 0; k < values; ++k) {
    ErrorSums sums;
    for (size_t s = 0; s < expected.size(); ++s) sums.add(expected[s][k].data<float>(), actual[s][k].data<float>());
    sum += sums.sqnr_db();
  }
  return sum / static_cast<double>(values);
}

EndSqnr::EndSqnr(const Graph& reference, const StoragePlan& plan, std::span<const Sample> samples, int threads)
    : samples_(samples),
      threads_(threads),
      values_(last_values(reference, plan, -1, kFirst, kEndValues)),
      expected_(run_samples(remainder_of(reference, kFirst, values_).graph, Engine::kFloat, samples, threads)) {}

double EndSqnr::of(const Graph& graph) const {
  const Graph whole = remainder_of(graph, kFirst, values_).graph;
  return mean_sqnr_db(expected_, run_samples(whole, Engine::kSimulated, samples_, threads_));
}

}  // namespace tinyc
