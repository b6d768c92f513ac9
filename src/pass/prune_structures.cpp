#include "tinyc/pass/prune_structures.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "quant/axis_index.h"
#include "tinyc/base/error.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/channel_harm.h"

namespace tinyc {
namespace {

constexpr double kMostMacs = 1e9;  // for the moments of a layer
constexpr double kDamping = 1e-3;

// Weights under masks: those that are not held are solved for.
class Masked final : public LayerMethod {
 public:
  explicit Masked(const PassContext& context) : context_(context) {}

  bool treats(const Graph& graph, const Node& node, int weight) const override {
    const ValueId id = operand(node, weight);
    return id != kNoValue && graph[id].constant && !graph[id].quant;
  }
  std::string obstacle(const Graph& graph, const LinearLayer& layer) const override {
    return is_shared(graph, operand(graph[layer.id], layer.weight)) ? "another node reads its weights" : "";
  }
  bool must_change(const Graph& graph, const LinearLayer& layer) const override {
    return context_.masks.contains(graph[operand(graph[layer.id], layer.weight)].name);
  }
  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    Value& weight = graph[operand(graph[layer.id], layer.weight)];
    const std::vector<GroupMask> held = held_weights(context_.masks, weight.name, layer.form());
    std::vector<Matrix> weights;
    for (size_t g = 0; g < errors.size(); ++g) {
      weights.push_back(best_with_zeros(errors[g], held[g], context_.threads));
    }
    weight.constant = replaced_weights(layer.form(), *weight.constant, weights);
  }

 private:
  const PassContext& context_;
};

using Parts = std::vector<std::vector<int32_t>>;  // by axis, by index

// Which structure each slice of a value belongs to.
class PartTable {
 public:
  PartTable(const Graph& graph, std::span<const Structure> structures) : graph_(graph) {
    for (size_t i = 0; i < structures.size(); ++i) {
      for (const Slice& slice : structures[i].slices) {
        parts(slice.value)[static_cast<size_t>(slice.axis)][static_cast<size_t>(slice.index)] = static_cast<int32_t>(i);
      }
    }
  }
  // Null: no slice of the value is in a structure.
  const Parts* find(ValueId id) const {
    const auto found = parts_.find(id);
    return found == parts_.end() ? nullptr : &found->second;
  }
  const std::map<ValueId, Parts>& all() const { return parts_; }

 private:
  Parts& parts(ValueId id) {
    const auto [found, added] = parts_.try_emplace(id);
    if (added) {
      for (const Dim& dim : graph_[id].type.shape.dims()) {
        found->second.emplace_back(static_cast<size_t>(std::max<int64_t>(dim.value, 0)), kNoPart);
      }
    }
    return found->second;
  }

  const Graph& graph_;
  std::map<ValueId, Parts> parts_;
};

class StructurePruner {
  struct Place {
    NodeId node;
    int weight;  // operand
  };

 public:
  StructurePruner(Graph& graph, StructureKind kind, PassContext& context)
      : graph_(graph), context_(context), kind_(kind), structures_(find_structures(graph, kind)) {}

  bool run(double share) {
    find_layers();
    keep_what_nobody_can_judge();
    const PartTable table(graph_, structures_);
    for (size_t i = 0; i < layers_.size(); ++i) find_parts(where_[i], table, layers_[i]);
    double total = 0;
    for (const HarmedLayer& layer : layers_) total += layer.macs;
    HarmGoal goal;
    if (kind_ == StructureKind::kHead)
      goal.parts = std::llround(share * static_cast<double>(structures_.size()));
    else
      goal.macs = share * total;
    const PartChoice choice = choose_parts(static_cast<int32_t>(structures_.size()), layers_, goal);
    if (choice.parts == 0) {
      context_.note("model", kind_ == StructureKind::kHead ? "no head can go" : "no channel can go");
      return false;
    }
    report(choice, total);
    if (choice.loss <= 0) {
      leave_unread(choice.gone);
      return false;
    }
    hold(table, choice.gone);
    Masked method(context_);
    fit_layers(graph_, context_, method);
    return true;
  }

 private:
  void find_layers() {
    LayerwiseRun run(graph_, Engine::kFloat, context_.samples, context_.threads);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      LayerResults results = run.compute(graph_, id);
      for (size_t k = 0; k < graph_[id].inputs.size(); ++k) {
        const ValueId value = graph_[id].inputs[k];
        if (value == kNoValue || !graph_[value].constant) continue;
        const LayerState state{graph_, run, results};
        const auto layer = find_linear_layer(state, state, id, static_cast<int>(k));
        if (layer && layer->form().columns <= kMostFittedColumns) add(*layer);
      }
      run.store(graph_, id, std::move(results));
    }
  }

  void add(const LinearLayer& layer) {
    const LinearForm& form = layer.form();
    const auto weights = static_cast<double>(form.groups * form.rows * form.columns);
    HarmedLayer& harmed = layers_.emplace_back(HarmedLayer{form, {}, {}});
    where_.push_back({layer.id, layer.weight});
    harmed.form.gather = nullptr;  // keeps the samples' data
    harmed.macs = static_cast<double>(form.positions) * weights;
    std::vector<MomentSample> samples;
    for (const LinearForm& sample : layer.now) samples.push_back({&sample, &sample});
    const double macs = 1.5 * harmed.macs * static_cast<double>(form.columns) * static_cast<double>(samples.size()) /
                        static_cast<double>(form.rows);
    const auto stride = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(macs / kMostMacs)));
    const std::vector<MomentSums> sums = sum_moments(samples, stride, context_.threads);
    for (size_t g = 0; g < sums.size(); ++g) {
      const Moments moments = sums[g].moments(has_free_bias(graph_, layer));
      harmed.errors.push_back({damped(moments.h, kDamping), layer.weights[g]});
      harmed.power -= error_above_zeros(layer.weights[g], layer.weights[g], moments);
      std::vector<bool>& silent = harmed.silent.emplace_back();
      for (int64_t c = 0; c < form.columns; ++c) silent.push_back(sums[g].xx(c, c) == 0);
    }
  }

  // Structures are read by layers that are known here, of weights of their own.
  void keep_what_nobody_can_judge() {
    std::set<ValueId> judged;
    for (const Place& place : where_) {
      const ValueId id = operand(graph_[place.node], place.weight);
      if (!is_shared(graph_, id)) judged.insert(id);
    }
    std::erase_if(structures_, [&](const Structure& structure) {
      return std::any_of(structure.read.begin(), structure.read.end(),
                         [&](const Slice& slice) { return !judged.contains(slice.value); });
    });
  }

  // Rows belong to structures by the axes of the weights that results have, columns by those that are summed over.
  void find_parts(const Place& place, const PartTable& table, HarmedLayer& harmed) const {
    const LinearForm& form = harmed.form;
    const auto groups = static_cast<size_t>(form.groups);
    harmed.part_of_row.assign(groups, std::vector<int32_t>(static_cast<size_t>(form.rows), kNoPart));
    harmed.part_of_column.assign(groups, std::vector<int32_t>(static_cast<size_t>(form.columns), kNoPart));
    const ValueId id = operand(graph_[place.node], place.weight);
    const Parts* parts = table.find(id);
    if (parts == nullptr) return;
    const std::vector<bool> is_sum = summed_axes(graph_[place.node], place.weight);
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

  void hold(const PartTable& table, const std::vector<bool>& gone) {
    for (const Node& node : graph_.nodes) {
      for (size_t k = 0; node.op != nullptr && k < node.inputs.size(); ++k) {
        const Parts* parts = is_held(node, k) ? table.find(node.inputs[k]) : nullptr;
        if (parts != nullptr) hold_slices(node.inputs[k], *parts, gone);
      }
    }
    for (size_t i = 0; i < layers_.size(); ++i) hold_bias(i, gone);
  }

  void hold_slices(ValueId id, const Parts& parts, const std::vector<bool>& gone) {
    WeightMask mask;
    for_each_place(graph_[id].constant->dims(), [&](size_t /*element*/, const Dims& place) {
      bool held = false;
      for (size_t axis = 0; axis < place.size(); ++axis) {
        const int32_t part = parts[axis][static_cast<size_t>(place[axis])];
        held = held || (part != kNoPart && gone[static_cast<size_t>(part)]);
      }
      mask.push_back(held ? 1 : 0);
    });
    hold_value(id, std::move(mask));
  }

  void hold_value(ValueId id, WeightMask mask) {
    if (std::find(mask.begin(), mask.end(), uint8_t{1}) == mask.end()) return;
    WeightMask& held = context_.masks[graph_[id].name];
    held.resize(mask.size(), 0);
    for (size_t i = 0; i < mask.size(); ++i) held[i] |= mask[i];
    hold_zeros(graph_[id], context_.masks);
  }

  // Rows that go have no bias either, not even one that is made later.
  void hold_bias(size_t layer, const std::vector<bool>& gone) {
    const LinearForm& form = layers_[layer].form;
    const NodeId node = where_[layer].node;
    if (form.bias < 0) return;
    WeightMask mask(static_cast<size_t>(form.bias_size), 0);
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        const int32_t part = layers_[layer].part_of_row[static_cast<size_t>(g)][static_cast<size_t>(r)];
        const bool held = part != kNoPart && gone[static_cast<size_t>(part)];
        mask[static_cast<size_t>(form.bias_at(g, r))] = held ? 1 : 0;
      }
    }
    if (operand(graph_[node], form.bias) == kNoValue) {
      if (std::find(mask.begin(), mask.end(), uint8_t{1}) == mask.end()) return;
      set_operand(graph_, node, form.bias, graph_[node].name + "_bias",
                  Tensor::zeros(DataType::kFloat, {form.bias_size}));
    }
    const Value& bias = graph_[operand(graph_[node], form.bias)];
    if (bias.constant && bias.constant->size() == form.bias_size) {
      hold_value(operand(graph_[node], form.bias), std::move(mask));
    }
  }

  void report(const PartChoice& choice, double total) {
    std::map<NodeId, std::pair<std::set<int32_t>, int64_t>> by_node;  // parts that go, of how many
    const bool heads = kind_ == StructureKind::kHead;
    for (size_t i = 0; i < layers_.size(); ++i) {
      auto& [parts, all] = by_node[where_[i].node];
      for (const std::vector<int32_t>& rows : layers_[i].part_of_row) {
        for (const int32_t part : rows) {
          if (part != kNoPart && choice.gone[static_cast<size_t>(part)]) parts.insert(part);
        }
      }
      std::set<int32_t> own;
      for (const std::vector<int32_t>& rows : layers_[i].part_of_row) own.insert(rows.begin(), rows.end());
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
  std::vector<HarmedLayer> layers_;
  std::vector<Place> where_;  // by layer
};

}  // namespace

bool prune_structures(Graph& graph, StructureKind kind, double share, PassContext& context) {
  if (!(share > 0 && share < 1)) {
    throw Error(ErrorKind::kUsage, "pass '" + context.pass + "': share must be between 0 and 1");
  }
  if (context.samples.empty()) {
    throw Error(ErrorKind::kUsage, "pruning needs calibration samples", "give --calib DATA");
  }
  return StructurePruner(graph, kind, context).run(share);
}

}  // namespace tinyc
