// prune-channels: takes whole channels out, with all that depends on them.
//
// Problem: zeros among weights save bytes where a format can skip them; a channel that is gone saves bytes, memory and
// instructions everywhere. Method: quant/channel_harm.h says which channels the model can do without; the weights that
// make or read them are held at 0, and so are their biases, so each such channel is 0 for every input; where that
// costs anything, the layers' other weights are solved for again, layer by layer (pass/layer_fit.h). Behind it
// eliminate-constant-channels takes the zeros out of the graph, exactly: what is written is a smaller model, without
// masks. Channels that are 0 on all data anyway go first: then nothing is solved for, and the model computes the same
// bits on such data. Channels of which something is not known to be removable stay: inputs and outputs of the model,
// and what ops read that channels cannot be followed through. Cost: the moments of each layer, and what the choice
// takes.
#include <algorithm>
#include <cmath>
#include <map>

#include "tinyc/base/error.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/channel_harm.h"

namespace tinyc {
namespace {

constexpr double kMostMacs = 1e9;  // for the moments of a layer
constexpr double kDamping = 1e-3;

struct Options {
  double share = 0.5;
};
constexpr Opt<Options> kOptions[] = {{"share", &Options::share, "of the multiply-accumulates that go"}};

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

class ChannelPruner {
 public:
  ChannelPruner(Graph& graph, PassContext& context)
      : graph_(graph), context_(context), channels_(find_free_channels(graph, true)) {}

  bool run(double share) {
    find_layers();
    fix_what_cannot_go();
    double total = 0;
    for (const HarmedLayer& layer : layers_) total += layer.macs;
    const ChannelChoice choice = choose_channels(channels_, layers_, share * total);
    if (choice.channels == 0) {
      context_.note("model", "no channel can go");
      return false;
    }
    hold(choice.gone);
    report(choice, total);
    if (choice.loss > 0) {
      Masked method(context_);
      fit_layers(graph_, context_, method);
    }
    return true;
  }

 private:
  void find_layers() {
    std::map<std::pair<NodeId, int>, size_t> operands;
    for (size_t i = 0; i < channels_.operands.size(); ++i) {
      if (channels_.operands[i].is_weight) operands[{channels_.operands[i].node, channels_.operands[i].operand}] = i;
    }
    LayerwiseRun run(graph_, Engine::kFloat, context_.samples, context_.threads);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      LayerResults results = run.compute(graph_, id);
      for (auto found = operands.lower_bound({id, -1}); found != operands.end() && found->first.first == id; ++found) {
        const LayerState state{graph_, run, results};
        const auto layer = find_linear_layer(state, state, id, found->first.second);
        if (layer && layer->form().columns <= kMostFittedColumns) add(found->second, *layer);
      }
      run.store(graph_, id, std::move(results));
    }
  }

  void add(size_t operand, const LinearLayer& layer) {
    const LinearForm& form = layer.form();
    const auto weights = static_cast<double>(form.groups * form.rows * form.columns);
    HarmedLayer& harmed = layers_.emplace_back(HarmedLayer{operand, form});
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

  // Constants that cannot be held at 0, element by element, keep their channels.
  void fix_what_cannot_go() {
    std::vector<bool> known(channels_.operands.size(), false);
    for (const HarmedLayer& layer : layers_) known[layer.operand] = true;
    std::vector<bool> stays(static_cast<size_t>(channels_.count), false);
    for (size_t i = 0; i < channels_.operands.size(); ++i) {
      const ScaledOperand& operand = channels_.operands[i];
      if (is_limit(operand)) continue;
      const ValueId id = operand.value(graph_);
      const bool whole = id != kNoValue && graph_[id].constant->size() == static_cast<int64_t>(operand.times.size());
      if ((known[i] || !operand.is_weight) && whole && !is_shared(graph_, id)) continue;
      for (const int32_t channel : operand.times) stays[static_cast<size_t>(channel)] = true;
      for (const int32_t channel : operand.over) stays[static_cast<size_t>(channel)] = true;
    }
    for (ScaledOperand& operand : channels_.operands) {
      for (std::vector<int32_t>* list : {&operand.times, &operand.over}) {
        for (int32_t& channel : *list) channel = stays[static_cast<size_t>(channel)] ? kFixedChannel : channel;
      }
    }
  }

  // Clamps hold 0 as it is.
  bool is_limit(const ScaledOperand& operand) const {
    return !operand.is_weight && graph_[operand.node].op->quant.scaling == Scaling::kClamp;
  }

  void hold(const std::vector<bool>& gone) {
    for (const ScaledOperand& operand : channels_.operands) {
      if (is_limit(operand) || operand.value(graph_) == kNoValue) continue;
      WeightMask mask(operand.times.size(), 0);
      for (size_t e = 0; e < mask.size(); ++e) {
        const bool read = !operand.over.empty() && operand.is_weight && gone[static_cast<size_t>(operand.over[e])];
        mask[e] = gone[static_cast<size_t>(operand.times[e])] || read ? 1 : 0;
      }
      hold_value(operand.value(graph_), std::move(mask));
    }
    for (const HarmedLayer& layer : layers_) hold_bias(layer, gone);
  }

  void hold_value(ValueId id, WeightMask mask) {
    if (std::count(mask.begin(), mask.end(), uint8_t{0}) == static_cast<std::ptrdiff_t>(mask.size())) return;
    context_.masks[graph_[id].name] = std::move(mask);
    hold_zeros(graph_[id], context_.masks);
  }

  // Rows that go have no bias either, not even one that is made later.
  void hold_bias(const HarmedLayer& layer, const std::vector<bool>& gone) {
    const ScaledOperand& weights = channels_.operands[layer.operand];
    const LinearForm& form = layer.form;
    if (form.bias < 0) return;
    WeightMask mask(static_cast<size_t>(form.bias_size), 0);
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        const int32_t channel = weights.times[static_cast<size_t>(form.weight_at(g, r, 0))];
        mask[static_cast<size_t>(form.bias_at(g, r))] = gone[static_cast<size_t>(channel)] ? 1 : 0;
      }
    }
    if (operand(graph_[weights.node], form.bias) == kNoValue) {
      set_operand(graph_, weights.node, form.bias, graph_[weights.node].name + "_bias",
                  Tensor::zeros(DataType::kFloat, {form.bias_size}));
    }
    hold_value(operand(graph_[weights.node], form.bias), std::move(mask));
  }

  void report(const ChannelChoice& choice, double total) {
    for (const HarmedLayer& layer : layers_) {
      const ScaledOperand& weights = channels_.operands[layer.operand];
      int64_t rows = 0;
      for (int64_t g = 0; g < layer.form.groups; ++g) {
        for (int64_t r = 0; r < layer.form.rows; ++r) {
          const int32_t channel = weights.times[static_cast<size_t>(layer.form.weight_at(g, r, 0))];
          rows += choice.gone[static_cast<size_t>(channel)] ? 1 : 0;
        }
      }
      if (rows == 0) continue;
      context_.note(
          graph_[weights.node].name,
          std::to_string(rows) + " of " + std::to_string(layer.form.groups * layer.form.rows) + " channels go");
      context_.count("channels", rows);
    }
    context_.count("macs", std::llround(choice.macs));
    context_.count("macs_before", std::llround(total));
  }

  Graph& graph_;
  PassContext& context_;
  FreeChannels channels_;
  std::vector<HarmedLayer> layers_;
};

bool run(Graph& graph, const Options& options, PassContext& context) {
  if (!(options.share > 0 && options.share < 1)) {
    throw Error(ErrorKind::kUsage, "pass 'prune-channels': share must be between 0 and 1");
  }
  if (context.samples.empty()) {
    throw Error(ErrorKind::kUsage, "pruning needs calibration samples", "give --calib DATA");
  }
  return ChannelPruner(graph, context).run(options.share);
}

}  // namespace

extern constexpr PassDef k_prune_channels = make_pass<Options, kOptions, run>(
    "prune-channels", "take out channels that the model can do without", Contract::kLossy, Stage::kPrune);

}  // namespace tinyc
