// Two models over the same samples, value by value. Values are paired by name, outputs by position.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "driver/batching.h"
#include "driver/metrics.h"
#include "tinyc/base/error.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

// The values that are held while both models run stay near this, over all threads.
constexpr int64_t kHeldBytes = int64_t{32} << 20;

struct Pair {
  ValueId reference;
  ValueId model;
  std::span<const KeptElements> kept = {};  // empty: the model has all elements
};

// What one batch adds to the comparison.
struct Part {
  std::vector<ErrorSums> outputs;
  std::vector<std::vector<int64_t>> steps;  // by output; see ValueError
  std::vector<ErrorSums> layers;
  int64_t agreed = 0;
  int64_t reference_hits = 0;
  int64_t hits = 0;
  int64_t labels = 0;
};

void add_tensors(const Tensor& reference, const Tensor& test, ErrorSums& sums) {
  if (reference.size() != test.size()) return;
  if (reference.dtype() == DataType::kFloat && test.dtype() == DataType::kFloat) {
    sums.add(reference.data<float>(), test.data<float>());
  } else {
    sums.add(reference.to_float(), test.to_float());
  }
}

void add_steps(const Tensor& reference, const Tensor& test, float step, std::vector<int64_t>& counts) {
  counts.resize(kMostSteps + 1);
  const std::vector<float> expected = reference.to_float();
  const std::vector<float> actual = test.to_float();
  for (size_t i = 0; i < actual.size(); ++i) {
    const double apart = std::round(std::abs(double{actual[i]} - double{expected[i]}) / double{step});
    ++counts[apart < double{kMostSteps} ? static_cast<size_t>(apart) : kMostSteps];
  }
}

// What is kept of a tensor of floats along an axis.
Tensor kept_floats(const Tensor& tensor, const KeptElements& kept) {
  const auto all = tensor.data<float>();
  Dims dims = tensor.dims();
  const auto axis = static_cast<size_t>(kept.axis);
  const auto extent = static_cast<size_t>(dims[axis]);
  const auto inner = static_cast<size_t>(element_count(std::span(dims).subspan(axis + 1)));
  std::vector<float> some;
  for (size_t outer = 0; outer < all.size(); outer += extent * inner) {
    for (const int64_t k : kept.indices) {
      const float* const first = all.data() + outer + static_cast<size_t>(k) * inner;
      some.insert(some.end(), first, first + inner);
    }
  }
  dims[axis] = static_cast<int64_t>(kept.indices.size());
  return Tensor::of<float>(std::move(dims), some);
}

// The floats of a tensor, or of what is kept of it.
Tensor kept_floats(const Tensor& tensor, std::span<const KeptElements> kept) {
  Tensor floats = Tensor::of<float>(tensor.dims(), tensor.to_float());
  for (const KeptElements& each : kept) floats = kept_floats(floats, each);
  return floats;
}

void check_pair(const Graph& reference, const Graph& model) {
  const auto names = [](const Graph& graph) {
    std::vector<std::string> list;
    for (ValueId id : graph.inputs) list.push_back(graph[id].name);
    return list;
  };
  if (names(reference) != names(model)) {
    throw Error(ErrorKind::kUsage, "the two models do not take the same inputs");
  }
  if (reference.outputs.size() != model.outputs.size() || model.outputs.empty()) {
    throw Error(ErrorKind::kUsage, "the reference has " + std::to_string(reference.outputs.size()) +
                                       " outputs, the model " + std::to_string(model.outputs.size()));
  }
}

// Floating values that nodes of both models compute under the same name, in the model's order.
std::vector<Pair> pair_layers(const Graph& reference, const Graph& model, const CompareOptions& options) {
  const auto computed = [](const Graph& graph, const auto& visit) {
    for (const Node& node : graph.nodes) {
      for (ValueId id : node.outputs) {
        if (id != kNoValue && is_floating(graph[id].type.dtype)) visit(id);
      }
    }
  };
  std::map<std::string_view, ValueId> by_name;
  computed(reference, [&](ValueId id) { by_name.emplace(reference[id].name, id); });
  std::vector<Pair> pairs;
  computed(model, [&](ValueId id) {
    const auto found = by_name.find(model[id].name);
    if (found == by_name.end()) return;
    const auto kept = options.kept.find(model[id].name);
    pairs.push_back({found->second, id, kept == options.kept.end() ? std::span<const KeptElements>() : kept->second});
  });
  return pairs;
}

// Of one sample, open dims counted as 1.
int64_t bytes_of(const Graph& reference, const std::vector<Pair>& pairs) {
  int64_t bytes = 0;
  for (const Pair& pair : pairs) {
    int64_t elements = 1;
    const Shape& shape = reference[pair.reference].type.shape;
    for (int axis = 0; shape.ranked() && axis < shape.rank(); ++axis) {
      if (shape[axis].known()) elements *= shape[axis].value;
    }
    bytes += elements * static_cast<int64_t>(sizeof(float));
  }
  return bytes;
}

class Comparer {
 public:
  Comparer(const Graph& reference, const Graph& model, const CompareOptions& options)
      : pairs_(options.layers ? pair_layers(reference, model, options) : std::vector<Pair>()),
        reference_(reference, {options.reference_engine, sides(&Pair::reference)}),
        model_(model, {options.engine, sides(&Pair::model)}) {
    for (size_t i = 0; i < pairs_.size(); ++i) {
      slots_[pairs_[i].model] = i;
      kept_[pairs_[i].reference] = pairs_[i].kept;
    }
  }

  const std::vector<Pair>& pairs() const { return pairs_; }

  Part compare_batch(const Batch& batch, Workspace& workspace) const {
    Part part;
    part.outputs.resize(model_.graph().outputs.size());
    part.steps.resize(part.outputs.size());
    part.layers.resize(pairs_.size());
    std::map<ValueId, Tensor> kept;
    const std::vector<Tensor> expected = reference_.run(batch.inputs, workspace, [&](ValueId id, const Tensor& tensor) {
      kept[id] = kept_floats(tensor, kept_.at(id));
    });
    const std::vector<Tensor> actual = model_.run(batch.inputs, workspace, [&](ValueId id, const Tensor& tensor) {
      const size_t slot = slots_.at(id);
      const auto found = kept.find(pairs_[slot].reference);
      if (found != kept.end()) add_tensors(found->second, tensor, part.layers[slot]);
    });
    for (size_t i = 0; i < actual.size(); ++i) add_output(expected[i], actual[i], i, part);
    for (int64_t i = 0; i < batch.size; ++i) {
      add_top1(sample_of(batch, i), share_of(expected[0], i, batch.size), share_of(actual[0], i, batch.size), part);
    }
    return part;
  }

 private:
  std::vector<ValueId> sides(ValueId Pair::*side) const {
    std::vector<ValueId> ids;
    for (const Pair& pair : pairs_) ids.push_back(pair.*side);
    return ids;
  }

  void add_output(const Tensor& expected, const Tensor& actual, size_t idx, Part& part) const {
    if (expected.dims() != actual.dims()) {
      const Graph& graph = model_.graph();
      throw Error(ErrorKind::kUsage, "output '" + graph[graph.outputs[idx]].name + "' has dims " +
                                         to_string(actual.dims()) + ", in the reference " + to_string(expected.dims()));
    }
    add_tensors(expected, actual, part.outputs[idx]);
    const Value& value = model_.graph()[model_.graph().outputs[idx]];
    const QParams* params = linear_params(value);
    if (params != nullptr && params->scales.size() == 1) {
      add_steps(expected, actual, params->scales[0], part.steps[idx]);
    }
  }

  static void add_top1(const LabeledSample& sample, const Tensor& expected, const Tensor& actual, Part& part) {
    if (actual.size() == 0) return;
    const int64_t first = arg_max(expected);
    const int64_t second = arg_max(actual);
    part.agreed += first == second ? 1 : 0;
    if (!sample.label || sample.label->size() != 1) return;
    const int64_t label = class_of(*sample.label);
    ++part.labels;
    part.reference_hits += first == label ? 1 : 0;
    part.hits += second == label ? 1 : 0;
  }

  std::vector<Pair> pairs_;
  Program reference_;
  Program model_;
  std::map<ValueId, std::span<const KeptElements>> kept_;  // of the reference's values
  std::map<ValueId, size_t> slots_;                        // of the model's values: their pair
};

void merge(const Part& part, Part& total) {
  for (size_t i = 0; i < part.outputs.size(); ++i) total.outputs[i].merge(part.outputs[i]);
  for (size_t i = 0; i < part.steps.size(); ++i) {
    total.steps[i].resize(std::max(total.steps[i].size(), part.steps[i].size()));
    for (size_t k = 0; k < part.steps[i].size(); ++k) total.steps[i][k] += part.steps[i][k];
  }
  for (size_t i = 0; i < part.layers.size(); ++i) total.layers[i].merge(part.layers[i]);
  total.agreed += part.agreed;
  total.reference_hits += part.reference_hits;
  total.hits += part.hits;
  total.labels += part.labels;
}

// The first output is one vector of scores a sample: [N, classes] or [classes].
bool ranks_classes(const Graph& graph) {
  const TensorType& type = graph[graph.outputs.front()].type;
  if (!is_floating(type.dtype) || !type.shape.ranked() || type.shape.rank() < 1 || type.shape.rank() > 2) return false;
  const Dim& classes = type.shape[type.shape.rank() - 1];
  return !classes.known() || classes.value > 1;
}

Comparison summarize(const Graph& model, const std::vector<Pair>& pairs, const Part& total, int64_t samples) {
  Comparison comparison;
  comparison.samples = samples;
  for (size_t i = 0; i < model.outputs.size(); ++i) {
    const Value& value = model[model.outputs[i]];
    if (is_floating(value.type.dtype)) comparison.outputs.push_back({value.name, total.outputs[i], total.steps[i]});
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (total.layers[i].count > 0) comparison.layers.push_back({model[pairs[i].model].name, total.layers[i]});
  }
  const auto percent = [&](int64_t count) { return 100.0 * static_cast<double>(count) / static_cast<double>(samples); };
  if (samples > 0 && ranks_classes(model)) {
    comparison.top1_agreement = percent(total.agreed);
    if (total.labels == samples) {
      comparison.top1_reference = percent(total.reference_hits);
      comparison.top1 = percent(total.hits);
    }
  }
  return comparison;
}

}  // namespace

Comparison compare(const Graph& reference, const Graph& model, Dataset& data, const CompareOptions& options) {
  check_pair(reference, model);
  const auto start = std::chrono::steady_clock::now();
  const Comparer comparer(reference, model, options);
  Part total;
  total.outputs.resize(model.outputs.size());
  total.steps.resize(model.outputs.size());
  total.layers.resize(comparer.pairs().size());
  const int64_t most = std::max<int64_t>(kHeldBytes / std::max<int64_t>(bytes_of(reference, comparer.pairs()), 1), 1);
  const auto threads = static_cast<int>(std::min<int64_t>(resolve_threads(options.threads), most));
  const int64_t batch = std::clamp<int64_t>(most / 2, 1, std::min(batch_of(reference, data), batch_of(model, data)));
  std::vector<Workspace> workspaces(static_cast<size_t>(threads));
  const int64_t samples = for_each_round(data, batch, threads, [&](std::span<const Batch> round) {
    std::vector<Part> parts(round.size());
    parallel_for(static_cast<int64_t>(round.size()), threads, [&](int64_t idx, int thread) {
      const auto at = static_cast<size_t>(idx);
      parts[at] = comparer.compare_batch(round[at], workspaces[static_cast<size_t>(thread)]);
    });
    for (const Part& part : parts) merge(part, total);
  });
  Comparison comparison = summarize(model, comparer.pairs(), total, samples);
  comparison.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return comparison;
}

}  // namespace tinyc
