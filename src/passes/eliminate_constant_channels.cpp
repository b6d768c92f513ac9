// eliminate-constant-channels: takes out channels that hold the same integer for every input, and those nobody weighs.
//
// Problem: training leaves channels whose weights are all zero, or that a Relu never lets pass; quantization makes more
// of them. They cost as much as the others. Method: quant/channel_flow.h says which channels are tied together and what
// range of integers each can reach. Where every dense layer that reads a channel of a space sees it at one point v (or
// has only zero weights for it), what it adds to each accumulator is the number
//   d[o] = sum over taps of weight[o][c][t] * v,     v in steps from the zero point,
// if that is the same at every position: v is 0, or no window touches the padding. Then bias[o] += d[o] on the bias's
// own grid (scale s_input * s_weight), an integer, and the channel is cut out of the layer that makes it, of the
// depthwise layers, clamps, pools and moves it passes through, and of its readers. Smaller layers reach less, so this
// is repeated until nothing is left to do. A value keeps at least one channel; inputs and outputs of the graph, and
// what ops read that are not followed, keep all.
//
// Exact: the accumulators of all channels that stay are the same integers. An engine that sums floats (simulated) may
// do so in another order, so there only results on a tie of the last bit could differ. A bias stays within int32, as
// does every accumulator (quant/integer_layer.h). Cost: a few walks over the weights.
#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <numeric>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/infer.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/channel_flow.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

using Indices = std::vector<int64_t>;

// The elements of a tensor at these indices of an axis.
Tensor take(const Tensor& from, int axis, const Indices& kept) {
  Dims dims = from.dims();
  const auto at = static_cast<size_t>(axis);
  const int64_t outer = element_count(std::span(dims).subspan(0, at)), extent = dims[at];
  const int64_t inner = element_count(std::span(dims).subspan(at + 1));
  dims[at] = static_cast<int64_t>(kept.size());
  Tensor to = Tensor::zeros(from.dtype(), dims);
  std::byte* out = to.mutable_bytes();
  const int bits = bits_of(from.dtype());
  int64_t next = 0;
  for (int64_t o = 0; o < outer; ++o) {
    for (const int64_t k : kept) {
      const int64_t first = (o * extent + k) * inner;
      if (bits >= 8) {
        const auto size = static_cast<size_t>(bits / 8);
        std::memcpy(out + static_cast<size_t>(next) * size, from.bytes() + static_cast<size_t>(first) * size,
                    static_cast<size_t>(inner) * size);
      } else {
        for (int64_t i = 0; i < inner; ++i) {
          store_packed(out, from.dtype(), next + i, load_packed(from.bytes(), from.dtype(), first + i));
        }
      }
      next += inner;
    }
  }
  return to;
}

// Cuts a constant that one node reads, and its scales where they lie along that axis.
void cut(Value& value, int axis, const Indices& kept) {
  value.constant = take(*value.constant, axis, kept);
  value.type.shape = Shape(value.constant->dims());
  QParams* params = value.quant ? std::get_if<QParams>(&*value.quant) : nullptr;
  if (params == nullptr || params->axis != axis) return;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  for (const int64_t k : kept) {
    scales.push_back(params->scales[static_cast<size_t>(k)]);
    zero_points.push_back(params->zero_points[static_cast<size_t>(k)]);
  }
  params->scales = std::move(scales);
  params->zero_points = std::move(zero_points);
}

class Eliminator {
 public:
  Eliminator(Graph& graph, PassContext& context) : graph_(graph), context_(context), flow_(follow_channels(graph)) {
    for (const ChannelSpace& space : flow_.spaces) {
      removable_.emplace_back(static_cast<size_t>(space.channels), !space.fixed);
    }
  }

  bool run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_dense(i)) veto_unfoldable(i);
    }
    keep_one_each();
    while (veto_overflows()) {
    }
    const bool any = std::any_of(removable_.begin(), removable_.end(), [](const std::vector<bool>& space) {
      return std::find(space.begin(), space.end(), true) != space.end();
    });
    if (!any) return false;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (is_dense(i)) fold_inputs(i);
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (flow_.layers[i]) cut_layer(i);
      if (flow_.layers[i] || graph_.nodes[i].op == nullptr) continue;
      if (is_op(graph_.nodes[i], "Reshape")) resize_target(NodeId(i));
    }
    resize_values();
    return true;
  }

 private:
  bool is_dense(size_t i) const { return flow_.layers[i] && !flow_.layers[i]->depthwise; }
  const ChannelPlace& place(ValueId id) const { return flow_.places[index_of(id)]; }
  std::vector<bool>& removable(ValueId id) { return removable_[static_cast<size_t>(place(id).space)]; }
  bool is_removed(ValueId id, int64_t element) {
    return removable(id)[static_cast<size_t>(channel_at(flow_, id, element))];
  }
  bool shrinks(ValueId id) {
    if (place(id).space < 0) return false;
    const std::vector<bool>& space = removable(id);
    return std::find(space.begin(), space.end(), true) != space.end();
  }

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
    for (int64_t input = 0; input < layer.inputs; ++input) {
      if (!is_removed(node.inputs[0], input)) continue;
      for (int64_t output = 0; output < layer.outputs; ++output) {
        const std::optional<int64_t> added = contribution(i, output, input);
        if (added && (*added == 0 || node.op->quant.bias >= 0)) continue;
        veto(node.inputs[0], input);
        break;
      }
    }
  }
  void veto(ValueId id, int64_t element) { removable(id)[static_cast<size_t>(channel_at(flow_, id, element))] = false; }

  void keep_one_each() {
    for (std::vector<bool>& space : removable_) {
      if (std::find(space.begin(), space.end(), false) == space.end() && !space.empty()) space[0] = false;
    }
  }

  Indices folded_bias(size_t i) {
    const IntegerLayer& layer = *flow_.layers[i];
    Indices bias = layer.bias;
    for (int64_t input = 0; input < layer.inputs; ++input) {
      if (!is_removed(graph_.nodes[i].inputs[0], input)) continue;
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
        if (!is_removed(graph_.nodes[i].inputs[0], input)) continue;
        veto(graph_.nodes[i].inputs[0], input);
        changed = true;
      }
    }
    return changed;
  }

  void fold_inputs(size_t i) {
    const IntegerLayer& layer = *flow_.layers[i];
    const Indices bias = folded_bias(i);
    if (bias == layer.bias) return;
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

  Indices kept_elements(ValueId id, int64_t elements) {
    Indices kept;
    for (int64_t e = 0; e < elements; ++e) {
      if (!is_removed(id, e)) kept.push_back(e);
    }
    return kept;
  }

  void cut_layer(size_t i) {
    Node& node = graph_.nodes[i];
    const IntegerLayer& layer = *flow_.layers[i];
    const ValueId weight_id = node.inputs[1], bias_id = operand(node, node.op->quant.bias);
    const int axis = node.op->quant.channel_axis(node, 1, graph_[weight_id].constant->rank());
    if (!layer.depthwise && shrinks(node.inputs[0])) {
      cut(graph_[weight_id], 1 - axis, kept_elements(node.inputs[0], layer.inputs));
    }
    if (!shrinks(node.outputs[0])) return;
    const Indices kept = kept_elements(node.outputs[0], layer.outputs);
    const int64_t removed = layer.outputs - static_cast<int64_t>(kept.size());
    cut(graph_[weight_id], axis, kept);
    if (bias_id != kNoValue) cut(graph_[bias_id], 0, kept);
    if (layer.depthwise) node.attributes["group"] = static_cast<int64_t>(kept.size());
    context_.count("channels", removed);
    context_.note(node.name, std::to_string(removed) + " of " + std::to_string(layer.outputs) +
                                 " channels are constant or unread");
  }

  // The target of a Reshape says the new extent of the axis, and the others as numbers instead of as copies.
  void resize_target(NodeId id) {
    const ValueId out = graph_[id].outputs[0];
    if (out == kNoValue || !shrinks(out)) return;
    const auto axis = static_cast<size_t>(place(out).axis);
    std::vector<int64_t> target = graph_[graph_[id].inputs[1]].constant->to_int64();
    for (size_t i = 1; i < target.size(); ++i) {
      const int64_t extent = graph_[out].type.shape[static_cast<int>(i)].value;
      if (target[i] >= 0) target[i] = i == axis ? static_cast<int64_t>(kept_elements(out, extent).size()) : extent;
    }
    const std::string name = graph_[graph_[id].inputs[1]].name;
    set_operand(graph_, id, 1, name, Tensor::of<int64_t>({static_cast<int64_t>(target.size())}, target));
  }

  void resize_values() {
    for (size_t i = 0; i < flow_.places.size(); ++i) {
      const ValueId id{static_cast<uint32_t>(i)};
      if (!shrinks(id)) continue;
      Dim& dim = graph_[id].type.shape[place(id).axis];
      const Indices kept = kept_elements(id, dim.value);
      KeptElements& all = context_.kept[graph_[id].name];
      if (all.indices.empty()) all.indices = iota(dim.value);
      all.axis = place(id).axis;
      Indices remaining;
      for (const int64_t k : kept) remaining.push_back(all.indices[static_cast<size_t>(k)]);
      all.indices = std::move(remaining);
      dim = Dim(static_cast<int64_t>(kept.size()));
    }
  }
  static Indices iota(int64_t count) {
    Indices all(static_cast<size_t>(count));
    std::iota(all.begin(), all.end(), int64_t{0});
    return all;
  }

  Graph& graph_;
  PassContext& context_;
  const ChannelFlow flow_;
  std::vector<std::vector<bool>> removable_;  // by space, by channel
};

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
    const QParams* params = value.constant && value.quant ? std::get_if<QParams>(&*value.quant) : nullptr;
    if (params != nullptr) cost.weight_bytes += byte_count(params->storage, value.constant->dims());
  }
  return cost;
}

bool run(Graph& graph, PassContext& context) {
  const Cost before = cost_of(graph);
  bool changed = false;
  while (Eliminator(graph, context).run()) {
    infer_types(graph);
    changed = true;
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
    make_pass<run>("eliminate-constant-channels", "remove channels that hold the same number for every input",
                   Contract::kExact, Stage::kPack);

}  // namespace tinyc
