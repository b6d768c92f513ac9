#include <chrono>
#include <nlohmann/json.hpp>

#include "driver/batching.h"
#include "driver/metrics.h"
#include "tinyc/base/error.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

Score score_batch(const Program& program, const Batch& batch, const MetricDef& metric, Workspace& workspace) {
  Score score;
  const std::vector<Tensor> outputs = program.run(batch.inputs, workspace);
  for (int64_t i = 0; i < batch.size; ++i) {
    metric.add(sample_of(batch, i), share_of(outputs.front(), i, batch.size), score);
  }
  score.samples = batch.size;
  return score;
}

}  // namespace

Evaluation evaluate(const Program& program, Dataset& data, std::string_view metric_name, int threads) {
  const MetricDef& metric = require_metric(metric_name);
  if (program.graph().outputs.empty()) throw Error(ErrorKind::kModel, "the model has no outputs");
  std::vector<Workspace> workspaces(static_cast<size_t>(resolve_threads(threads)));
  Score total;
  std::chrono::duration<double> seconds{};
  for_each_round(data, batch_of(program.graph(), data), threads, [&](std::span<const Batch> round) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<Score> scores(round.size());
    parallel_for(static_cast<int64_t>(round.size()), threads, [&](int64_t idx, int thread) {
      const auto at = static_cast<size_t>(idx);
      scores[at] = score_batch(program, round[at], metric, workspaces[static_cast<size_t>(thread)]);
    });
    for (const Score& score : scores) total.merge(score);
    seconds += std::chrono::steady_clock::now() - start;
  });
  return {std::string(metric.name), metric.value(total), total.samples, seconds.count()};
}

nlohmann::ordered_json to_json(const Evaluation& evaluation) {
  return {{evaluation.metric, evaluation.value},
          {"samples", evaluation.samples},
          {"seconds", evaluation.seconds},
          {"samples_per_second",
           evaluation.seconds > 0 ? static_cast<double>(evaluation.samples) / evaluation.seconds : 0}};
}

}  // namespace tinyc
