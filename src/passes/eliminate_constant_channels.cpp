// eliminate-constant-channels: takes out channels that hold the same number for every input, and those nobody weighs.
//
// Problem: pruning and training leave channels whose weights are all zero, or that a Relu never lets pass;
// quantization makes more of them. They cost as much as the others. Method, in two steps. In quantized graphs
// quant/channel_flow.h says what range of integers each channel can reach. Where every dense layer that reads a
// channel of a space sees it at one point v, what it adds to each accumulator is the number
//   d[o] = sum over taps of weight[o][c][t] * v,     v in steps from the zero point,
// if that is the same at every position: v is 0, or no window touches the padding. Then bias[o] += d[o] on the bias's
// own grid (scale s_input * s_weight), an integer, and the weights become 0. Then, in graphs of any kind, slices that
// are 0 or that only zeros weigh are cut out with all that is tied to them (quant/slice_cuts.h): channels, heads,
// hidden units. Smaller layers reach less, so this is repeated until nothing is left to do.
//
// Exact on integers: the accumulators of all channels that stay are the same. Engines that sum floats may do so in
// another order. A bias stays within int32, as does every accumulator (quant/integer_layer.h). Cost: a few walks over
// the weights.
#include <algorithm>
#include <limits>
#include <numeric>

#include "tinyc/ops/infer.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/channel_flow.h"
#include "tinyc/quant/params.h"
#include "tinyc/quant/slice_cuts.h"

namespace tinyc {
namespace {

using Indices = std::vector<int64_t>;

// Takes what constant channels add into the biases of quantized layers.
class Folder {
 public:
  Folder(Graph& graph, PassContext& context) : graph_(graph), context_(context), flow_(follow_channels(graph)) {
    for (const ChannelSpace& space : flow_.spaces) {
      foldable_.emplace_back(static_cast<size_t>(space.channels), !space.fixed);
    }
  }

  bool run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_dense(i)) veto_unfoldable(i);
    }
    while (veto_overflows()) {
    }
    bool changed = false;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_dense(i)) changed = fold_inputs(i) || changed;
    }
    return changed;
  }

 private:
  bool is_dense(size_t i) const { return flow_.layers[i] && !flow_.layers[i]->depthwise; }
  std::vector<bool>& foldable(ValueId id) { return foldable_[static_cast<size_t>(flow_.places[index_of(id)].space)]; }
  bool is_folded(ValueId id, int64_t element) {
    return foldable(id)[static_cast<size_t>(channel_at(flow_, id, element))];
  }
  void veto(ValueId id, int64_t element) { foldable(id)[static_cast<size_t>(channel_at(flow_, id, element))] = false; }

  // What element `input` of the layer's data adds to output o; none when that is not one number.
  std::optional<int64_t> contribution(size_t i, int64_t output, int64_t input) const {
    const IntegerLayer& layer = *flow_.layers[i];
    const ValueId data = graph_.nodes[i].inputs[0];
    const Range& range = flow_.ranges[index_of(data)][static_cast<size_t>(channel_at(flow_, data, input))];
    if (range.is_point()) return constant_contribution(layer, output, input, static_cast<int64_t>(range.low));
    const auto weight = layer.weight_of(output, input);
    const bool unread = std::all_of(weight.begin(), weight.end(), [](int32_t w) { return w == 0; });
    return unread ? std::optional<int64_t>(0) : std::nullopt;
  }

  void veto_unfoldable(size_t i) {
    const Node& node = graph_.nodes[i];
    const IntegerLayer& layer = *flow_.layers[i];
    const bool plain = plain_constant(graph_, node, 1) != nullptr;
    for (int64_t input = 0; input < layer.inputs; ++input) {
      if (!is_folded(node.inputs[0], input)) continue;
      for (int64_t output = 0; output < layer.outputs; ++output) {
        const std::optional<int64_t> added = contribution(i, output, input);
        if (plain && added && (*added == 0 || node.op->quant.bias >= 0)) continue;
        veto(node.inputs[0], input);
        break;
      }
    }
  }

  Indices folded_bias(size_t i) {
    const IntegerLayer& layer = *flow_.layers[i];
    Indices bias = layer.bias;
    for (int64_t input = 0; input < layer.inputs; ++input) {
      if (!is_folded(graph_.nodes[i].inputs[0], input)) continue;
      for (int64_t o = 0; o < layer.outputs; ++o) bias[static_cast<size_t>(o)] += *contribution(i, o, input);
    }
    return bias;
  }

  // A layer whose bias would leave int32 keeps the inputs that add to it.
  bool veto_overflows() {
    bool changed = false;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!is_dense(i)) continue;
      const Indices bias = folded_bias(i);
      const bool fits = std::all_of(bias.begin(), bias.end(), [](int64_t b) {
        return b >= std::numeric_limits<int32_t>::min() && b <= std::numeric_limits<int32_t>::max();
      });
      const IntegerLayer& layer = *flow_.layers[i];
      for (int64_t input = 0; !fits && input < layer.inputs; ++input) {
        if (!is_folded(graph_.nodes[i].inputs[0], input)) continue;
        veto(graph_.nodes[i].inputs[0], input);
        changed = true;
      }
    }
    return changed;
  }

  bool fold_inputs(size_t i) {
    const Indices bias = folded_bias(i);
    const bool folded = bias != flow_.layers[i]->bias;
    if (folded) set_bias(i, bias);
    return clear_columns(i) || folded;
  }

  void set_bias(size_t i, const Indices& bias) {
    const IntegerLayer& layer = *flow_.layers[i];
    const NodeId id{static_cast<uint32_t>(i)};
    const int bias_idx = graph_[id].op->quant.bias;
    const Dims dims{layer.outputs};
    if (operand(graph_[id], bias_idx) == kNoValue) {
      const Tensor zeros = Tensor::zeros(DataType::kFloat, dims);
      set_operand(graph_, id, bias_idx, graph_[id].name + "_bias", zeros);
      auto& weight = std::get<QParams>(*graph_[graph_[id].inputs[1]].quant);
      std::vector<size_t> channels(bias.size(), 0);
      if (weight.axis >= 0) std::iota(channels.begin(), channels.end(), size_t{0});
      const float input_scale = std::get<QParams>(*graph_[graph_[id].inputs[0]].quant).scales[0];
      graph_[operand(graph_[id], bias_idx)].quant =
          bias_params(zeros.data<float>(), input_scale, channels, weight, nullptr);
    }
    std::vector<int32_t> stored;
    for (const int64_t b : bias) stored.push_back(static_cast<int32_t>(b));
    graph_[operand(graph_[id], bias_idx)].constant = Tensor::of<int32_t>(dims, stored);
    context_.count("folded_layers");
  }

  // Inputs that are in the bias now have no weights.
  bool clear_columns(size_t i) {
    const Node& node = graph_.nodes[i];
    if (plain_constant(graph_, node, 1) == nullptr) return false;
    const Tensor weights = *graph_[node.inputs[1]].constant;
    Tensor cleared = Tensor::of<float>(weights.dims(), weights.data<float>());
    const int axis = 1 - node.op->quant.channel_axis(node, 1, weights.rank());
    const auto inner = element_count(std::span(weights.dims()).subspan(static_cast<size_t>(axis) + 1));
    const int64_t extent = weights.dims()[static_cast<size_t>(axis)];
    const auto data = cleared.mutable_data<float>();
    for (size_t e = 0; e < data.size(); ++e) {
      if (is_folded(node.inputs[0], static_cast<int64_t>(e) / inner % extent)) data[e] = 0.0F;
    }
    if (cleared.same_bytes(weights)) return false;
    graph_[node.inputs[1]].constant = std::move(cleared);
    return true;
  }

  Graph& graph_;
  PassContext& context_;
  const ChannelFlow flow_;
  std::vector<std::vector<bool>> foldable_;  // by space, by channel
};

Indices iota(int64_t count) {
  Indices all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

// Which elements of the reference's values are left, for those who compare with it.
void record_kept(const Graph& graph, const SliceCuts& cuts, PassContext& context) {
  for (size_t i = 0; i < cuts.kept.size(); ++i) {
    for (size_t axis = 0; axis < cuts.kept[i].size(); ++axis) {
      if (graph.values[i].constant || !cuts.cuts(graph, ValueId(i), axis)) continue;
      std::vector<KeptElements>& all = context.kept[graph.values[i].name];
      auto found = std::find_if(all.begin(), all.end(),
                                [&](const KeptElements& each) { return each.axis == static_cast<int>(axis); });
      if (found == all.end()) {
        const int64_t extent = graph.values[i].type.shape[static_cast<int>(axis)].value;
        found = all.insert(all.end(), {static_cast<int>(axis), iota(extent)});
      }
      Indices remaining;
      for (const int64_t k : cuts.kept[i][axis]) remaining.push_back(found->indices[static_cast<size_t>(k)]);
      found->indices = std::move(remaining);
    }
  }
}

// What layers lose of their outputs.
void report(const Graph& graph, const SliceCuts& cuts, PassContext& context) {
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr || node.op->linear == nullptr) continue;
    const auto found =
        std::find_if(node.outputs.begin(), node.outputs.end(), [](ValueId id) { return id != kNoValue; });
    if (found == node.outputs.end()) continue;
    for (size_t axis = 0; axis < cuts.kept[index_of(*found)].size(); ++axis) {
      if (!cuts.cuts(graph, *found, axis)) continue;
      const int64_t all = graph[*found].type.shape[static_cast<int>(axis)].value;
      const int64_t removed = all - static_cast<int64_t>(cuts.kept[index_of(*found)][axis].size());
      context.count("channels", removed);
      context.note(node.name,
                   std::to_string(removed) + " of " + std::to_string(all) + " channels are constant or unread");
    }
  }
}

bool cut(Graph& graph, PassContext& context) {
  const SliceCuts cuts = find_slice_cuts(graph);
  if (cuts.empty(graph)) return false;
  report(graph, cuts, context);
  record_kept(graph, cuts, context);
  apply_slice_cuts(graph, cuts);
  infer_types(graph);
  return true;
}

struct Cost {
  int64_t macs = 0;
  int64_t weight_bytes = 0;
};

Cost cost_of(const Graph& graph) {
  Cost cost;
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr || node.op->macs == nullptr) continue;
    std::vector<TensorType> inputs, outputs;
    bool known = true;
    const auto add = [&](std::vector<TensorType>& types, ValueId id) {
      types.push_back(id == kNoValue ? TensorType() : graph[id].type);
      if (id == kNoValue || !types.back().shape.ranked()) return;
      for (int i = 0; i < types.back().shape.rank(); ++i) {
        if (!types.back().shape[i].known()) types.back().shape[i] = Dim(int64_t{1});
      }
    };
    for (ValueId id : node.inputs) add(inputs, id);
    for (ValueId id : node.outputs) add(outputs, id);
    for (ValueId id : node.outputs) known = known && (id == kNoValue || graph[id].type.shape.ranked());
    if (known) cost.macs += node.op->macs(node, inputs, outputs);
  }
  for (const Value& value : graph.values) {
    if (!value.constant || value.type.dtype != DataType::kFloat) continue;
    const QParams* params = linear_params(value);
    cost.weight_bytes += byte_count(params != nullptr ? params->storage : DataType::kFloat, value.constant->dims());
  }
  return cost;
}

// Channels that were 0 in all data go only now, so that what was done to the others is what it would be without
// pruning.
bool clear_unread(Graph& graph, PassContext& context) {
  bool changed = false;
  for (Value& value : graph.values) {
    if (!value.constant || !context.unread.contains(value.name)) continue;
    if (value.constant->dtype() != DataType::kFloat) continue;
    hold_zeros(value, context.unread);
    changed = true;
  }
  context.unread.clear();
  return changed;
}

bool run(Graph& graph, PassContext& context) {
  const Cost before = cost_of(graph);
  bool changed = clear_unread(graph, context);
  for (bool again = true; again;) {
    const bool folded = Folder(graph, context).run();
    again = cut(graph, context);
    changed = changed || folded || again;
  }
  if (!changed) return false;
  remove_dead(graph);
  const Cost after = cost_of(graph);
  context.count("macs", before.macs - after.macs);
  context.count("weight_bytes", before.weight_bytes - after.weight_bytes);
  return true;
}

}  // namespace

extern constexpr PassDef k_eliminate_constant_channels =
    make_pass<run>("eliminate-constant-channels", "take out channels that are constant, or that nobody weighs",
                   Contract::kRounding, Stage::kPack);

}  // namespace tinyc
