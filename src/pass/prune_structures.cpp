#include "tinyc/pass/prune_structures.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "pass/measured_layers.h"
#include "pass/part_table.h"
#include "quant/axis_index.h"
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
    find_parts(table);
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
      leave_unread(choice.gone);
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
    hold(graph, context.masks, table, gone);
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

  // Rows belong to structures by the axes of the weights that results have, columns by those that are summed over.
  void find_parts(const PartTable& table) {
    for (MeasuredLayer& layer : layers_) find_parts(table, layer);
  }
  void find_parts(const PartTable& table, MeasuredLayer& measured) const {
    const LinearForm& form = measured.layer.form();
    HarmedLayer& harmed = measured.harm;
    const auto groups = static_cast<size_t>(form.groups);
    harmed.part_of_row.assign(groups, std::vector<int32_t>(static_cast<size_t>(form.rows), kNoPart));
    harmed.part_of_column.assign(groups, std::vector<int32_t>(static_cast<size_t>(form.columns), kNoPart));
    const ValueId id = weight_id(graph_, measured.layer);
    const Parts* parts = table.find(id);
    if (parts == nullptr) return;
    const std::vector<bool> is_sum = summed_axes(graph_[measured.layer.id], measured.layer.weight);
    const Dims& dims = graph_[id].constant->dims();
    const auto part_at = [&](int64_t element, bool of_sum) {
      int32_t part = kNoPart;
      for (size_t axis = dims.size(); axis-- > 0; element /= dims[axis]) {
        const int32_t own = (*parts)[axis][static_cast<size_t>(element % dims[axis])];
        if (is_sum[axis] == of_sum && own != kNoPart) part = own;
      }
      return part;
    };
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        harmed.part_of_row[static_cast<size_t>(g)][static_cast<size_t>(r)] = part_at(form.weight_at(g, r, 0), false);
      }
      for (int64_t c = 0; c < form.columns; ++c) {
        harmed.part_of_column[static_cast<size_t>(g)][static_cast<size_t>(c)] = part_at(form.weight_at(g, 0, c), true);
      }
    }
  }

  std::vector<bool> summed_axes(const Node& node, int weight) const {
    const std::optional<NodeAxes> axes = axes_of(graph_, node);
    std::vector<bool> is_sum(static_cast<size_t>(graph_[operand(node, weight)].constant->rank()), false);
    for (const LabelSum& sum : axes ? axes->sums : std::vector<LabelSum>()) {
      for (const auto& [k, axis] : sum.terms) {
        if (k == weight) is_sum[static_cast<size_t>(axis)] = true;
      }
    }
    return is_sum;
  }

  // What is 0 on all data changes nothing until it is cut out.
  void leave_unread(const std::vector<bool>& gone) {
    for (size_t i = 0; i < structures_.size(); ++i) {
      if (!gone[i]) continue;
      for (const Slice& slice : structures_[i].read) {
        const Value& value = graph_[slice.value];
        WeightMask& mask = context_.unread[value.name];
        mask.resize(static_cast<size_t>(value.constant->size()), 0);
        for_each_place(value.constant->dims(), [&](size_t element, const Dims& place) {
          if (place[static_cast<size_t>(slice.axis)] == slice.index) mask[element] = 1;
        });
      }
    }
  }

  // Constants of layers, and what sums add to their results.
  bool is_held(const Node& node, size_t k) const {
    const ValueId id = node.inputs[k];
    if (id == kNoValue || !graph_[id].constant || graph_[id].type.dtype != DataType::kFloat) return false;
    return node.op->linear != nullptr || node.op->quant.scaling == Scaling::kSum;
  }

  void hold(Graph& graph, WeightMasks& masks, const PartTable& table, const std::vector<bool>& gone) const {
    for (const Node& node : graph_.nodes) {
      for (size_t k = 0; node.op != nullptr && k < node.inputs.size(); ++k) {
        const Parts* parts = is_held(node, k) ? table.find(node.inputs[k]) : nullptr;
        if (parts != nullptr) hold_value(graph[node.inputs[k]], masks, mask_of_slices(node.inputs[k], *parts, gone));
      }
    }
    for (const MeasuredLayer& each : layers_) hold_bias(graph, masks, each, gone);
  }

  WeightMask mask_of_slices(ValueId id, const Parts& parts, const std::vector<bool>& gone) const {
    WeightMask mask;
    for_each_place(graph_[id].constant->dims(), [&](size_t /*element*/, const Dims& place) {
      bool held = false;
      for (size_t axis = 0; axis < place.size(); ++axis) {
        const int32_t part = parts[axis][static_cast<size_t>(place[axis])];
        held = held || (part != kNoPart && gone[static_cast<size_t>(part)]);
      }
      mask.push_back(held ? 1 : 0);
    });
    return mask;
  }

  static void hold_value(Value& value, WeightMasks& masks, const WeightMask& mask) {
    if (std::find(mask.begin(), mask.end(), uint8_t{1}) == mask.end()) return;
    WeightMask& held = masks[value.name];
    held.resize(mask.size(), 0);
    for (size_t i = 0; i < mask.size(); ++i) held[i] |= mask[i];
    hold_zeros(value, masks);
  }

  // Rows that go have no bias either, not even one that is made later.
  static void hold_bias(Graph& graph, WeightMasks& masks, const MeasuredLayer& each, const std::vector<bool>& gone) {
    const LinearForm& form = each.layer.form();
    const NodeId node = each.layer.id;
    if (form.bias < 0) return;
    WeightMask mask(static_cast<size_t>(form.bias_size), 0);
    bool any = false;
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        const int32_t part = each.harm.part_of_row[static_cast<size_t>(g)][static_cast<size_t>(r)];
        const bool held = part != kNoPart && gone[static_cast<size_t>(part)];
        mask[static_cast<size_t>(form.bias_at(g, r))] = held ? 1 : 0;
        any = any || held;
      }
    }
    if (!any) return;
    if (operand(graph[node], form.bias) == kNoValue) {
      set_operand(graph, node, form.bias, graph[node].name + "_bias",
                  Tensor::zeros(DataType::kFloat, {form.bias_size}));
    }
    Value& bias = graph[operand(graph[node], form.bias)];
    if (bias.constant && bias.constant->size() == form.bias_size) hold_value(bias, masks, mask);
  }

  void report(const PartChoice& choice, double total) {
    std::map<NodeId, std::pair<std::set<int32_t>, int64_t>> by_node;  // parts that go, of how many
    const bool heads = kind_ == StructureKind::kHead;
    for (size_t i = 0; i < layers_.size(); ++i) {
      auto& [parts, all] = by_node[layers_[i].layer.id];
      for (const std::vector<int32_t>& rows : layers_[i].harm.part_of_row) {
        for (const int32_t part : rows) {
          if (part != kNoPart && choice.gone[static_cast<size_t>(part)]) parts.insert(part);
        }
      }
      std::set<int32_t> own;
      for (const std::vector<int32_t>& rows : layers_[i].harm.part_of_row) own.insert(rows.begin(), rows.end());
      own.erase(kNoPart);
      all = std::max(all, static_cast<int64_t>(own.size()));
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
