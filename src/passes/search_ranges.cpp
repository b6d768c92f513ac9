// search-ranges: chooses the ranges of activations by the error of what follows, not by the values' own.
//
// Problem: the range with the least error of a value itself is not the one that serves the model best. A network may
// not mind that a few far values are clipped and mind very much that all others are coarse, or the other way round.
// Method: group by group (values that share one set of parameters), in execution order, everything before already
// final. With the group left in float the rest of the model says how much there is to win; where that is little, the
// range stays. Else both ends together and each end alone are moved by a few factors, and the rest of the model is run
// with each. What counts is the SQNR at the end of the model (quant/end_sqnr.h).
//
// Where the rest of the model is too much to run that often, the values that the group is turned into next are the
// judges. Every eighth sample takes no part in the search; when the model is no better on these, all ranges are put
// back. Biases are stored in steps of their input, so they follow.
//
// Cost: counted in multiply-accumulates, not in seconds, so that results do not depend on the machine.
// Source: the search is coordinate descent; judging a quantizer by the output follows Nagel et al., A White Paper on
// Neural Network Quantization, 2021 (arXiv:2106.08295), section 3.1, and Wu et al., EasyQuant, 2020 (arXiv:2006.16669).
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>

#include "tinyc/eval/layerwise.h"
#include "tinyc/eval/remainder.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/quant/bias.h"
#include "tinyc/quant/end_sqnr.h"
#include "tinyc/quant/judges.h"
#include "tinyc/quant/params.h"
#include "tinyc/quant/statistics.h"
#include "tinyc/quant/storage_plan.h"
#include "tinyc/quant/variants.h"

namespace tinyc {
namespace {

struct Options {
  double budget = 40.0;
  double gain = 0.1;
  int64_t rounds = 1;
};
constexpr Opt<Options> kOptions[] = {
    {"budget", &Options::budget, "billions of multiply-accumulates to spend"},
    {"gain", &Options::gain, "dB to be won by a group at best, below which its range is left alone"},
    {"rounds", &Options::rounds, "moves of one group's range"}};

constexpr std::array kFactors = {0.6F, 0.7F, 0.8F, 0.9F, 1.1F, 1.2F, 1.4F};
constexpr size_t kVerifyEvery = 8;     // samples with this period are kept out of the search
constexpr double kFewestSamples = 16;  // with fewer the error at the end of the model says too little
constexpr double kRunsOfGroup = 6;     // of what follows it, on average: two where there is little to win
constexpr double kLeastGain = 0.01;    // dB
constexpr double kBillion = 1e9;

using Batch = std::vector<std::vector<Tensor>>;  // [sample][input or output]

bool is_for_verification(size_t sample) {
  return sample % kVerifyEvery == 2;
}

ValueRange range_of(const QParams& params) {
  return {static_cast<float>(params.q_min - params.zero_points[0]) * params.scales[0],
          static_cast<float>(params.q_max - params.zero_points[0]) * params.scales[0]};
}

std::string text_of(double number) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.4g", number);
  return {text.data(), static_cast<size_t>(length)};
}

std::string text_of(const ValueRange& range) {
  return "[" + text_of(static_cast<double>(range.low)) + ", " + text_of(static_cast<double>(range.high)) + "]";
}

enum class Ends : uint8_t { kBoth, kLow, kHigh };

// Not beyond what was seen: that would cost steps and win nothing.
ValueRange moved(ValueRange range, Ends ends, float factor, const ValueRange& seen) {
  if (ends != Ends::kHigh) range.low = std::max(range.low * factor, std::min(range.low, seen.low));
  if (ends != Ends::kLow) range.high = std::min(range.high * factor, std::max(range.high, seen.high));
  return range;
}

struct Choice {
  ValueRange range;
  double sqnr = 0;
};

constexpr size_t kNoTurn = std::numeric_limits<size_t>::max();

// A group whose turn has come: what is left to run, on what, and what should come out.
struct Turn {
  const StoragePlan::Group& group;
  Remainder rest;  // of the quantized graph; its outputs are the judges
  Batch inputs;    // the group's values not yet rounded
  Batch expected;  // the judges' values in the float graph
};

class RangeSearch {
 public:
  RangeSearch(Graph& graph, const Options& options, PassContext& context)
      : graph_(graph),
        reference_(*context.reference),
        options_(options),
        context_(context),
        plan_(plan_storage(graph, context.settings)),
        budget_(options.budget * kBillion) {
    for (const StoragePlan::Group& group : plan_.groups) turns_.push_back(turn_of(group));
  }

  // True when ranges changed.
  bool run() {
    if (!choose_samples()) return false;
    const Graph before = graph_;
    search_all();
    if (notes_.empty()) return false;
    if (!verify(before)) {
      graph_ = before;
      return false;
    }
    for (const auto& [subject, text] : notes_) context_.note(subject, text);
    context_.count("ranges", static_cast<int64_t>(notes_.size()));
    return true;
  }

 private:
  using ValueOf = std::function<const Tensor&(size_t sample, ValueId id)>;

  // The number of nodes that have run when the group's first source is there; kNoTurn: its range is not searched.
  size_t turn_of(const StoragePlan::Group& group) const {
    const auto is_source = [&](ValueId id) {
      return std::find(group.sources.begin(), group.sources.end(), id) != group.sources.end();
    };
    const auto& quant = graph_[group.members.front()].quant;
    if (group.fixed || !quant || !std::holds_alternative<QParams>(*quant)) return kNoTurn;
    if (std::any_of(graph_.inputs.begin(), graph_.inputs.end(), is_source)) return 0;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const std::vector<ValueId>& outputs = graph_.nodes[i].outputs;
      if (std::any_of(outputs.begin(), outputs.end(), is_source)) return i + 1;
    }
    return kNoTurn;
  }

  std::vector<ValueId> judges_of(size_t group) const {
    const auto idx = static_cast<int>(group);
    const auto first = NodeId(turns_[group]);
    return whole_ ? last_values(graph_, plan_, idx, first, kEndValues) : next_values(graph_, plan_, idx, first);
  }

  double affordable_samples() const {
    double work = 1.0;
    for (size_t g = 0; g < turns_.size(); ++g) {
      if (turns_[g] == kNoTurn) continue;
      work += static_cast<double>(remainder_of(graph_, NodeId(turns_[g]), judges_of(g)).work);
    }
    return budget_ / (work * kRunsOfGroup);
  }

  // To the end of the model if enough samples can be run that far, else to the next values.
  bool choose_samples() {
    const auto held = static_cast<double>(context_.samples.size());
    double affordable = affordable_samples();
    whole_ = affordable >= std::min(kFewestSamples, held);
    if (!whole_) affordable = affordable_samples();
    samples_ = std::span(context_.samples).first(static_cast<size_t>(std::min(affordable, held)));
    if (samples_.size() >= kVerifyEvery - 1) return true;
    context_.note("model", samples_.size() == context_.samples.size()
                               ? "skipped: there are too few calibration samples"
                               : "skipped: the model is too large for the budget");
    return false;
  }

  void search_all() {
    const ValueOf input_of = [&](size_t sample, ValueId id) -> const Tensor& {
      const auto place = std::find(graph_.inputs.begin(), graph_.inputs.end(), id) - graph_.inputs.begin();
      return samples_[sample][static_cast<size_t>(place)];
    };
    for (size_t g = 0; g < turns_.size(); ++g) {
      if (turns_[g] == 0) search(g, input_of, input_of);
    }
    LayerwiseRun exact(reference_, Engine::kFloat, samples_, context_.threads);
    LayerwiseRun rounded(graph_, Engine::kSimulated, samples_, context_.threads);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      exact.step(reference_, NodeId(i));
      Batch results = rounded.compute(graph_, NodeId(i));
      const std::vector<ValueId>& outputs = graph_.nodes[i].outputs;
      const ValueOf exact_value = [&](size_t sample, ValueId id) -> const Tensor& { return exact.value(sample, id); };
      const ValueOf rounded_value = [&](size_t sample, ValueId id) -> const Tensor& {
        const auto here = std::find(outputs.begin(), outputs.end(), id);
        if (here == outputs.end()) return rounded.value(sample, id);
        return results[sample][static_cast<size_t>(std::count_if(outputs.begin(), here, is_present))];
      };
      for (size_t g = 0; g < turns_.size(); ++g) {
        if (turns_[g] == i + 1) search(g, exact_value, rounded_value);
      }
      rounded.store(graph_, NodeId(i), std::move(results));
    }
  }

  static bool is_present(ValueId id) { return id != kNoValue; }

  // The inputs of the rest, for the samples that take part in the search.
  Batch collect(const Remainder& rest, const ValueOf& value_of) const {
    Batch inputs;
    for (size_t s = 0; s < samples_.size(); ++s) {
      if (is_for_verification(s)) continue;
      std::vector<Tensor>& sample = inputs.emplace_back();
      for (ValueId id : rest.inputs) sample.push_back(value_of(s, id));
    }
    return inputs;
  }

  void search(size_t group, const ValueOf& exact_value, const ValueOf& rounded_value) {
    const std::vector<ValueId> judges = judges_of(group);
    if (judges.empty() || spent_ > budget_) return;
    const auto first = NodeId(turns_[group]);
    const Remainder exact = remainder_of(reference_, first, judges);
    Remainder rest = remainder_of(graph_, first, judges);
    Batch inputs = collect(rest, rounded_value);
    Batch expected = run_samples(exact.graph, Engine::kFloat, collect(exact, exact_value), context_.threads);
    choose(Turn{plan_.groups[group], std::move(rest), std::move(inputs), std::move(expected)});
  }

  void choose(const Turn& turn) {
    const ValueId member = turn.group.members.front();
    const ValueRange old_range = range_of(std::get<QParams>(*graph_[member].quant));
    const double old_sqnr = measure(turn, with_range(turn, old_range));
    if (measure(turn, with_range(turn, std::nullopt)) - old_sqnr < options_.gain) return;
    Choice choice{old_range, old_sqnr};
    for (int64_t round = 0; round < options_.rounds; ++round) {
      const Choice best = best_move(turn, choice);
      if (best.sqnr < choice.sqnr + kLeastGain) break;
      choice = best;
    }
    if (choice.range == old_range) return;
    assign(graph_, turn.group.members, choice.range);
    notes_.emplace_back(graph_[member].name, "range " + text_of(choice.range) + " instead of " + text_of(old_range) +
                                                 ": SQNR behind it " + text_of(choice.sqnr) + " dB instead of " +
                                                 text_of(old_sqnr));
  }

  Choice best_move(const Turn& turn, const Choice& from) {
    const ValueRange seen = seen_range(turn.group);
    const bool two_sided = from.range.low < 0 && from.range.high > 0 && !context_.settings.symmetric_activations;
    Choice best = from;
    for (const Ends ends : {Ends::kBoth, Ends::kLow, Ends::kHigh}) {
      if (ends != Ends::kBoth && !two_sided) continue;
      for (const float factor : kFactors) {
        const ValueRange range = moved(from.range, ends, factor, seen);
        if (range == from.range) continue;
        const Choice tried{range, measure(turn, with_range(turn, range))};
        if (tried.sqnr > best.sqnr) best = tried;
      }
    }
    return best;
  }

  // What the values of the group were in calibration.
  ValueRange seen_range(const StoragePlan::Group& group) const {
    ValueRange seen;
    for (ValueId id : group.sources) {
      const ValueStatistics* found = context_.statistics->find(graph_[id].name);
      if (found == nullptr) continue;
      seen = {std::min(seen.low, found->histogram.min()), std::max(seen.high, found->histogram.max())};
    }
    return seen;
  }

  void assign(Graph& graph, std::span<const ValueId> members, const ValueRange& range) const {
    for (ValueId id : members) graph[id].quant = activation_params(range, context_.settings);
    static_cast<void>(derive_bias_params_of_readers(graph, members));
  }

  // The rest of the model with another range for the group, or with the group in float.
  Graph with_range(const Turn& turn, const std::optional<ValueRange>& range) const {
    Graph graph = turn.rest.graph;
    std::vector<ValueId> members;
    for (ValueId id : turn.group.members) {
      if (turn.rest.values[index_of(id)] != kNoValue) members.push_back(turn.rest.values[index_of(id)]);
    }
    if (range) {
      assign(graph, members, *range);
    } else {
      for (ValueId id : members) graph[id].quant.reset();
    }
    return graph;
  }

  double measure(const Turn& turn, const Graph& graph) {
    spent_ += static_cast<double>(turn.rest.work) * static_cast<double>(turn.inputs.size());
    const Batch actual = run_samples(graph, Engine::kSimulated, turn.inputs, context_.threads);
    return mean_sqnr_db(turn.expected, actual);
  }

  // Whether the samples that took no part agree that the model is better than before.
  bool verify(const Graph& before) {
    Batch apart;
    for (size_t s = 0; s < samples_.size(); ++s) {
      if (is_for_verification(s)) apart.push_back(samples_[s]);
    }
    const EndSqnr end(reference_, plan_, apart, context_.threads);
    const double old_sqnr = end.of(before), new_sqnr = end.of(graph_);
    const bool better = new_sqnr > old_sqnr;
    context_.note("model", std::string(better ? "kept" : "put back") + ": on samples left out of the search SQNR " +
                               text_of(new_sqnr) + " dB instead of " + text_of(old_sqnr));
    return better;
  }

  Graph& graph_;
  const Graph& reference_;
  const Options& options_;
  PassContext& context_;
  const StoragePlan plan_;
  std::vector<size_t> turns_;  // by group, see turn_of()
  const double budget_;
  double spent_ = 0;
  bool whole_ = true;  // judged at the end of the model
  std::span<const Sample> samples_;
  std::vector<std::pair<std::string, std::string>> notes_;  // subject and text
};

bool run(Graph& graph, const Options& options, PassContext& context) {
  return RangeSearch(graph, options, context).run();
}

}  // namespace

extern constexpr PassDef k_search_ranges = make_pass<Options, kOptions, run>(
    "search-ranges", "choose ranges of activations by the error of what follows", Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
