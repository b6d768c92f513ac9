#include "tinyc/pass/prune_structures.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "pass/measured_layers.h"
#include "pass/part_masks.h"
#include "tinyc/base/error.h"
#include "tinyc/pass/kept_out.h"
#include "tinyc/pass/masked_weights.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/channel_harm.h"

namespace tinyc {
namespace {

// A part is judged by its cost for what it saves to one of these powers.
constexpr double kFocuses[] = {1.0, 1.3, 1.7};
// For trials of what to take out next: multiply-accumulates of all of them, and the most of them for each part.
constexpr double kMostTriedMacs = 3e10;
constexpr double kMostFinalists = 16;

class StructurePruner {
 public:
  StructurePruner(Graph& graph, StructureKind kind, PassContext& context)
      : graph_(graph),
        context_(context),
        kind_(kind),
        structures_(find_structures(graph, kind)),
        layers_(measure_layers(graph, context)) {}

  bool run(double share) {
    keep_what_nobody_can_judge();
    const PartTable table(graph_, structures_);
    for (MeasuredLayer& layer : layers_) find_parts(graph_, table, layer);
    const double total = total_macs();
    HarmGoal goal;
    if (kind_ == StructureKind::kHead) {
      goal.parts = std::llround(share * static_cast<double>(structures_.size()));
    } else {
      goal.macs = share * total;
    }
    PartChoice choice = choose_parts(parts(), harms(), goal);
    if (choice.parts == 0) {
      context_.note("model", kind_ == StructureKind::kHead ? "no head can go" : "no channel can go");
      return false;
    }
    if (choice.loss <= 0) {
      report(choice, total);
      mark_unread(graph_, structures_, choice.gone, context_.unread);
      return false;
    }
    prune_best(table, goal, choice.parts, total);
    return true;
  }

 private:
  int32_t parts() const { return static_cast<int32_t>(structures_.size()); }
  double total_macs() const {
    double total = 0;
    for (const MeasuredLayer& layer : layers_) total += layer.harm.macs;
    return total;
  }
  std::vector<HarmedLayer> harms() const {
    std::vector<HarmedLayer> harms;
    for (const MeasuredLayer& layer : layers_) harms.push_back(layer.harm);
    return harms;
  }

  // Layers are fitted after each choice to a part of the samples; the choice by which the model's end loses least on
  // the others stays, and is fitted to all.
  void prune_best(const PartTable& table, const HarmGoal& goal, int64_t picks, double total) {
    PassContext check = context_, fit = context_;
    check.samples.clear();
    fit.samples.clear();
    for (size_t s = 0; s < context_.samples.size(); ++s) {
      if (is_check(s, context_.samples.size())) check.samples.push_back(context_.samples[s]);
      if (is_fit(s, context_.samples.size())) fit.samples.push_back(context_.samples[s]);
    }
    const std::vector<MeasuredLayer> layers = measure_layers(graph_, fit);
    const EndJudge judge(graph_, check);
    PartChoice best;
    bool is_fitted = false;
    double least = std::numeric_limits<double>::infinity();
    for (PartChoice& choice : choices(table, goal, picks)) {
      for (const bool fitted : {false, true}) {
        PassContext context = fit;
        const double noise = judge.noise(pruned(table, choice.gone, layers, fitted, context));
        if (best.parts > 0 && !(noise < least)) continue;
        least = noise;
        best = choice;
        is_fitted = fitted;
      }
    }
    report(best, total);
    graph_ = pruned(table, best.gone, layers_, is_fitted, context_);
  }

  // By several measures of cost.
  std::vector<PartChoice> choices(const PartTable& table, HarmGoal goal, int64_t picks) const {
    std::vector<PartChoice> choices;
    const auto add = [&](PartChoice choice) {
      const auto is_known = [&](const PartChoice& known) { return known.gone == choice.gone; };
      if (std::none_of(choices.begin(), choices.end(), is_known)) choices.push_back(std::move(choice));
    };
    const EndJudge judge(graph_, context_);
    const std::vector<double> gains = judge.gains(layers_);
    std::vector<HarmedLayer> harms = this->harms();
    for (const bool measured : {false, true}) {
      for (size_t i = 0; i < harms.size() && measured; ++i) harms[i].power = gains[i] > 0 ? 1.0 / gains[i] : 0.0;
      for (const double focus : kFocuses) {
        goal.focus = focus;
        add(choose_parts(parts(), harms, goal));
      }
    }
    goal.focus = 1.0;
    goal.finalists = affordable_finalists(picks);
    if (goal.finalists > 1) {
      add(choose_parts(parts(), harms, goal, [&](std::span<const Finalist> finalists, const std::vector<bool>& gone) {
        return best_finalist(judge, table, finalists, gone);
      }));
    }
    return choices;
  }

  // Without what goes; layers have their best weights for the data of the float model, or are then fitted one by one.
  Graph pruned(const PartTable& table, const std::vector<bool>& gone, std::span<const MeasuredLayer> layers,
               bool fitted, PassContext& context) const {
    Graph graph = graph_;
    hold_parts(graph, context.masks, table, layers_, gone);
    graph = refitted(graph, layers, context.masks, context.threads);
    MaskedWeights method(context);
    if (fitted) fit_layers(graph, context, method);
    return graph;
  }

  // So many for each part that goes that the trials' runs stay within a bound.
  size_t affordable_finalists(int64_t picks) const {
    const double trials = kMostTriedMacs / ((1 + total_macs()) * static_cast<double>(context_.samples.size()));
    return static_cast<size_t>(std::clamp(trials / static_cast<double>(picks), 1.0, kMostFinalists));
  }

  // What the end loses more for what is saved.
  size_t best_finalist(const EndJudge& judge, const PartTable& table, std::span<const Finalist> finalists,
                       std::vector<bool> gone) const {
    const double before = trial(judge, table, gone);
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < finalists.size(); ++i) {
      const auto part = static_cast<size_t>(finalists[i].part);
      gone[part] = true;
      const double cost = std::max(trial(judge, table, gone) - before, 0.0) / finalists[i].saved;
      gone[part] = false;
      if (cost >= least) continue;
      least = cost;
      best = i;
    }
    return best;
  }

  double trial(const EndJudge& judge, const PartTable& table, const std::vector<bool>& gone) const {
    PassContext context = context_;
    return judge.noise(pruned(table, gone, layers_, false, context));
  }

  // Structures are read by layers that are known here, of weights of their own.
  void keep_what_nobody_can_judge() {
    std::set<ValueId> judged;
    for (const MeasuredLayer& each : layers_) {
      const ValueId id = weight_id(graph_, each.layer);
      if (!is_shared(graph_, id)) judged.insert(id);
    }
    std::erase_if(structures_, [&](const Structure& structure) {
      return std::any_of(structure.read.begin(), structure.read.end(),
                         [&](const Slice& slice) { return !judged.contains(slice.value); });
    });
  }

  void report(const PartChoice& choice, double total) {
    std::map<NodeId, std::pair<std::set<int32_t>, size_t>> by_node;  // parts that go, of how many
    const bool heads = kind_ == StructureKind::kHead;
    for (const MeasuredLayer& each : layers_) {
      std::set<int32_t> own;
      for (const std::vector<int32_t>& rows : each.harm.part_of_row) own.insert(rows.begin(), rows.end());
      own.erase(kNoPart);
      auto& [parts, all] = by_node[each.layer.id];
      for (const int32_t part : own) {
        if (choice.gone[static_cast<size_t>(part)]) parts.insert(part);
      }
      all = std::max(all, own.size());
    }
    const std::string what = heads ? "heads" : "channels";
    for (const auto& [node, counted] : by_node) {
      if (counted.first.empty()) continue;
      context_.note(graph_[node].name, std::to_string(counted.first.size()) + " of " + std::to_string(counted.second) +
                                           " " + what + " go");
      if (!heads) context_.count(what, static_cast<int64_t>(counted.first.size()));
    }
    if (heads) context_.count(what, choice.parts);
    context_.count("macs", std::llround(choice.macs));
    context_.count("macs_before", std::llround(total));
  }

  Graph& graph_;
  PassContext& context_;
  const StructureKind kind_;
  std::vector<Structure> structures_;
  std::vector<MeasuredLayer> layers_;
};

}  // namespace

bool prune_structures(Graph& graph, StructureKind kind, double share, PassContext& context) {
  if (!(share > 0 && share < 1)) {
    throw Error(ErrorKind::kUsage, "pass '" + context.pass + "': share must be between 0 and 1");
  }
  require_samples(context, "pruning needs");
  return StructurePruner(graph, kind, context).run(share);
}

}  // namespace tinyc
