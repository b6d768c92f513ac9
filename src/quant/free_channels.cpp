#include "tinyc/quant/free_channels.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "quant/channel_maps.h"
#include "quant/channel_unions.h"
#include "quant/moved_channels.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

// Elements of constants that stay 0 under any factor.
constexpr int32_t kZero = channel_maps::kAnyChannel;
// Channel numbers are moved as floats.
constexpr size_t kMostChannels = size_t{1} << 23;

ValueId operand_of(const Node& node, int idx) {
  return idx >= 0 && idx < static_cast<int>(node.inputs.size()) ? node.inputs[static_cast<size_t>(idx)] : kNoValue;
}

bool declares(const Node& node, std::string_view attribute) {
  const auto& attributes = node.op->attributes;
  return std::any_of(attributes.begin(), attributes.end(),
                     [&](const AttributeDef& def) { return def.name == attribute; });
}

class Follower {
 public:
  Follower(const Graph& graph, bool split_clamps) : graph_(graph), split_clamps_(split_clamps) {
    found_.maps.resize(graph.values.size());
  }

  FreeChannels follow() {
    for (ValueId id : graph_.inputs) map_fixed(id);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      if (!can_follow(graph_[id]) || !follow_node(id)) stop_at(graph_[id]);
    }
    for (ValueId id : graph_.outputs) fix(id);
    number();
    return std::move(found_);
  }

 private:
  ChannelMap& map(ValueId id) { return found_.maps[index_of(id)]; }
  const Shape& shape(ValueId id) const { return graph_[id].type.shape; }
  bool is_followed(ValueId id) { return id != kNoValue && !map(id).channels.empty(); }
  // A float constant that is computed with as it is stored.
  const Tensor* plain_constant(ValueId id) const {
    if (id == kNoValue || !graph_[id].constant || graph_[id].quant) return nullptr;
    return graph_[id].constant->dtype() == DataType::kFloat ? &*graph_[id].constant : nullptr;
  }

  void fix(ValueId id) {
    if (id == kNoValue) return;
    for (int32_t channel : map(id).channels) unions_.unite(channel, kFixedChannel);
  }
  void map_fixed(ValueId id) {
    const Value& value = graph_[id];
    if (!value.type.shape.ranked() || value.type.dtype != DataType::kFloat) return;
    map(id) = {Dims(static_cast<size_t>(value.type.shape.rank()), 1), {kFixedChannel}};
  }
  void stop_at(const Node& node) {
    for (ValueId id : node.inputs) fix(id);
    for (ValueId id : node.outputs) {
      if (id != kNoValue) map_fixed(id);
    }
  }
  void number() {
    const std::vector<int32_t> numbers = unions_.numbers(found_.count);
    const auto renumber = [&](std::vector<int32_t>& channels) {
      for (int32_t& channel : channels) {
        channel = channel == kZero ? kFixedChannel : numbers[static_cast<size_t>(channel)];
      }
    };
    for (ChannelMap& each : found_.maps) renumber(each.channels);
    for (ScaledOperand& operand : found_.operands) {
      renumber(operand.times);
      renumber(operand.over);
    }
  }

  bool can_follow(const Node& node) {
    if (node.op == nullptr || node.captures > 0 || unions_.size() > kMostChannels) return false;
    const auto annotated = [&](ValueId id) { return id != kNoValue && graph_[id].quant; };
    if (std::any_of(node.inputs.begin(), node.inputs.end(), annotated)) return false;
    if (std::any_of(node.outputs.begin(), node.outputs.end(), annotated)) return false;
    const auto lost = [&](ValueId id) { return id != kNoValue && !shape(id).ranked(); };
    return !std::any_of(node.outputs.begin(), node.outputs.end(), lost);
  }

  bool follow_node(NodeId id) {
    const Node& node = graph_[id];
    const bool one_result = node.outputs.size() == 1 && node.outputs[0] != kNoValue;
    const ValueId data = operand_of(node, 0);
    switch (node.op->quant.scaling) {
      case Scaling::kNone:
        return false;
      case Scaling::kElementwise:
        return one_result && follow_elementwise(node);
      case Scaling::kClamp:
        return one_result && follow_clamp(id);
      case Scaling::kMove:
        return follow_move(id);
      case Scaling::kPool:
        return one_result && is_followed(data) && follow_pool(node);
      case Scaling::kReduce:
        return one_result && is_followed(data) && follow_reduction(node);
      case Scaling::kSum:
        return one_result && follow_sum(id, node.outputs[0], node.inputs);
      case Scaling::kProduct:
        return one_result && follow_product(id);
      case Scaling::kLayer:
        return one_result && is_followed(data) && follow_layer(id);
      case Scaling::kGain:
        return is_followed(data) && follow_gain(id);
    }
    return false;
  }

  bool follow_elementwise(const Node& node) {
    for (size_t k = 1; k < node.inputs.size(); ++k) {
      if (plain_constant(node.inputs[k]) == nullptr) return false;
    }
    if (!is_followed(node.inputs[0]) || shape(node.inputs[0]).rank() != shape(node.outputs[0]).rank()) return false;
    map(node.outputs[0]) = map(node.inputs[0]);
    return true;
  }

  bool follow_clamp(NodeId id) {
    const Node& node = graph_[id];
    for (int k : {1, 2}) {
      const ValueId limit = operand_of(node, k);
      if (limit == kNoValue) continue;
      const Tensor* constant = plain_constant(limit);
      if (constant == nullptr || constant->size() != 1) return false;
      const float at = constant->data<float>()[0];
      if (at == 0.0F || std::isinf(at)) continue;
      if (!split_clamps_ || !is_followed(node.inputs[0])) return false;
      const ChannelMap& channels = map(node.inputs[0]);
      found_.operands.push_back({id, k, false, channels.dims, channels.channels});
    }
    if (!is_followed(node.inputs[0])) return false;
    map(node.outputs[0]) = map(node.inputs[0]);
    return true;
  }

  bool follow_move(NodeId id) {
    const Node& node = graph_[id];
    std::vector<ChannelMap> operands(node.inputs.size());
    std::vector<ScaledOperand> constants;
    bool any = false;
    for (int k = 0; k < static_cast<int>(node.inputs.size()); ++k) {
      const ValueId input = node.inputs[static_cast<size_t>(k)];
      if (input == kNoValue || !is_data_operand(node, k)) continue;
      ChannelMap& operand = operands[static_cast<size_t>(k)];
      if (is_followed(input)) {
        operand = map(input);
        for (int32_t& channel : operand.channels) channel = unions_.root(channel);
        any = true;
      } else {
        const Tensor* constant = plain_constant(input);
        if (constant == nullptr) return false;
        operand = {constant->dims(), unions_.add(static_cast<size_t>(constant->size()))};
        constants.push_back({id, k, false, constant->dims(), operand.channels});
      }
    }
    if (!any) return false;
    std::optional<std::vector<ChannelMap>> moved = move_channels(graph_, node, operands);
    if (!moved) return false;
    for (size_t k = 0; k < moved->size(); ++k) {
      if (node.outputs[k] != kNoValue) map(node.outputs[k]) = std::move((*moved)[k]);
    }
    for (ScaledOperand& constant : constants) found_.operands.push_back(std::move(constant));
    return true;
  }

  // The channel of each index along an axis, after uniting what differs along the others.
  std::vector<int32_t> along(ValueId id, int axis) {
    ChannelMap& all = map(id);
    for (int i = static_cast<int>(all.dims.size()); i-- > 0;) {
      if (i != axis) unite_along(all, static_cast<size_t>(i));
    }
    return all.channels;
  }
  void unite_along(ChannelMap& all, size_t axis) {
    all = channel_maps::fold_axis(all, axis, [&](int32_t a, int32_t b) { return unions_.unite(a, b); });
  }

  bool follow_pool(const Node& node) {
    const Shape &from = shape(node.inputs[0]), &to = shape(node.outputs[0]);
    if (from.rank() < 2 || to.rank() != from.rank() || !from[1].same_as(to[1])) return false;
    // Positions outside the input count as this number in one mode of Resize.
    if (declares(node, "extrapolation_value") && float_attr(node, "extrapolation_value") != 0.0F) return false;
    Dims dims(static_cast<size_t>(to.rank()), 1);
    std::vector<int32_t> channels = along(node.inputs[0], 1);
    dims[1] = static_cast<int64_t>(channels.size());
    map(node.outputs[0]) = {std::move(dims), std::move(channels)};
    return true;
  }

  bool follow_reduction(const Node& node) {
    const ValueId list = operand_of(node, 1);
    const auto rank = static_cast<int64_t>(shape(node.inputs[0]).rank());
    if (list != kNoValue && !graph_[list].constant) return false;
    std::vector<int64_t> axes = list == kNoValue ? std::vector<int64_t>() : graph_[list].constant->to_int64();
    if (axes.empty() && int_attr(node, "noop_with_empty_axes") == 0) {
      for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
    }
    ChannelMap& from = map(node.inputs[0]);
    std::vector<bool> reduced(static_cast<size_t>(rank), false);
    for (int64_t axis : axes) {
      const auto at = static_cast<size_t>(axis < 0 ? axis + rank : axis);
      unite_along(from, at);
      reduced[at] = true;
    }
    ChannelMap to{{}, from.channels};
    for (size_t i = 0; i < reduced.size(); ++i) {
      if (!reduced[i] || int_attr(node, "keepdims") != 0) to.dims.push_back(from.dims[i]);
    }
    map(node.outputs[0]) = std::move(to);
    return true;
  }

  // Data operands have the factors of the result, and constants take them up.
  bool follow_sum(NodeId id, ValueId out, const std::vector<ValueId>& operands) {
    const auto rank = static_cast<size_t>(shape(out).rank());
    Dims dims(rank, 1);
    bool any = false;
    for (ValueId operand : operands) {
      if (operand == kNoValue || (!is_followed(operand) && plain_constant(operand) == nullptr)) return false;
      if (!is_followed(operand)) continue;
      any = true;
      dims = channel_maps::broadcast(dims, map(operand).dims);
    }
    if (!any) return false;
    std::vector<int32_t> channels(static_cast<size_t>(element_count(dims)), kZero);
    for (ValueId operand : operands) {
      if (!is_followed(operand)) continue;
      const std::vector<int32_t> part = channel_maps::expand(map(operand), dims);
      for (size_t i = 0; i < part.size(); ++i) channels[i] = unions_.unite(channels[i], part[i]);
    }
    map(out) = {dims, std::move(channels)};
    for (size_t k = 0; k < operands.size(); ++k) {
      if (!is_followed(operands[k])) add_to_result(id, static_cast<int>(k), map(out));
    }
    return true;
  }

  // Constant operand k is added to a result with these channels.
  void add_to_result(NodeId id, int k, const ChannelMap& result) {
    const Dims dims = channel_maps::broadcast(plain_constant(operand_of(graph_[id], k))->dims(), result.dims);
    found_.operands.push_back({id, k, false, dims, channel_maps::expand(result, dims)});
  }

  // One operand keeps its factors, the other must not have any; constants stay between free channels.
  bool follow_product(NodeId id) {
    const Node& node = graph_[id];
    const ValueId a = node.inputs[0], b = node.inputs[1], out = node.outputs[0];
    const int constant = plain_constant(a) != nullptr ? 0 : 1;
    if (plain_constant(node.inputs[static_cast<size_t>(constant)]) != nullptr) return follow_gain_product(id, constant);
    if (!is_followed(a) || !is_followed(b)) return false;
    const auto elements = [&](ValueId value) { return element_count(concrete_dims(shape(value))); };
    const bool first = elements(a) >= elements(b);
    fix(first ? b : a);
    const ChannelMap& kept = map(first ? a : b);
    const auto rank = static_cast<size_t>(shape(out).rank());
    map(out) = {channel_maps::broadcast(Dims(rank, 1), kept.dims), kept.channels};
    return true;
  }

  bool follow_gain_product(NodeId id, int constant) {
    const Node& node = graph_[id];
    const ValueId data = node.inputs[static_cast<size_t>(1 - constant)], out = node.outputs[0];
    if (!is_followed(data)) return false;
    const Tensor& gain = *plain_constant(node.inputs[static_cast<size_t>(constant)]);
    const Dims whole(static_cast<size_t>(shape(out).rank()), 1);
    if (gain.size() == 1) {
      map(out) = {channel_maps::broadcast(whole, map(data).dims), map(data).channels};
      return true;
    }
    const Dims dims = channel_maps::broadcast(channel_maps::broadcast(whole, gain.dims()), map(data).dims);
    map(out) = {dims, unions_.add(static_cast<size_t>(element_count(dims)))};
    found_.operands.push_back({id, constant, false, dims, map(out).channels, channel_maps::expand(map(data), dims)});
    return true;
  }

  bool follow_layer(NodeId id) {
    const Node& node = graph_[id];
    const ValueId out = node.outputs[0];
    const Tensor* weight = plain_constant(operand_of(node, 1));
    if (weight == nullptr) return follow_contraction(node);
    const std::optional<WeightAxes> axes = weight_axes(node, weight->dims());
    const int rank = shape(node.inputs[0]).rank();
    if (!axes || rank < 2 || shape(out).rank() < 2) return false;
    std::vector<int32_t> inputs = along(node.inputs[0], axes->convolution ? 1 : rank - 1);
    if (inputs.size() == 1) inputs.resize(static_cast<size_t>(axes->inputs()), inputs[0]);
    if (static_cast<int64_t>(inputs.size()) != axes->inputs()) return false;
    const std::vector<int32_t> outputs = unions_.add(static_cast<size_t>(axes->outputs()));
    Dims dims(static_cast<size_t>(shape(out).rank()), 1);
    dims[axes->convolution ? 1 : dims.size() - 1] = axes->outputs();
    map(out) = {std::move(dims), outputs};

    ScaledOperand scaled{id, 1, true, weight->dims()};
    for (int64_t e = 0; e < weight->size(); ++e) {
      scaled.times.push_back(outputs[static_cast<size_t>(axes->output_of(e))]);
      scaled.over.push_back(inputs[static_cast<size_t>(axes->input_of(e))]);
    }
    found_.operands.push_back(std::move(scaled));
    return follow_bias(id, axes->convolution, outputs);
  }

  bool follow_bias(NodeId id, bool convolution, const std::vector<int32_t>& outputs) {
    const Node& node = graph_[id];
    const int bias = node.op->quant.bias;
    const ValueId value = operand_of(node, bias);
    if (value == kNoValue) return true;
    if (plain_constant(value) == nullptr) {
      for (int32_t channel : outputs) unions_.unite(channel, kFixedChannel);
      fix(value);
      return true;
    }
    const auto count = static_cast<int64_t>(outputs.size());
    add_to_result(id, bias, convolution ? ChannelMap{{count}, outputs} : map(node.outputs[0]));
    return true;
  }

  // A product of two computed matrices: the second keeps its factors where they are the same along the sum.
  bool follow_contraction(const Node& node) {
    const ValueId b = operand_of(node, 1), out = node.outputs[0];
    if (!is_followed(b) || declares(node, "group") || declares(node, "transA")) return false;
    const int rank = shape(b).rank();
    if (rank < 2 || shape(node.inputs[0]).rank() != rank || shape(out).rank() != rank) return false;
    fix(node.inputs[0]);
    unite_along(map(b), static_cast<size_t>(rank) - 2);
    map(out) = map(b);
    return true;
  }

  bool follow_gain(NodeId id) {
    const Node& node = graph_[id];
    const ValueId out = node.outputs[0];
    const Tensor* gain = plain_constant(operand_of(node, 1));
    const ValueId offset = operand_of(node, 2);
    const auto rank = static_cast<size_t>(shape(node.inputs[0]).rank());
    if (gain == nullptr || (offset != kNoValue && plain_constant(offset) == nullptr)) return false;
    if (static_cast<size_t>(shape(out).rank()) != rank || gain->dims().size() > rank) return false;
    stop_at(node);
    const Dims dims = channel_maps::broadcast(Dims(rank, 1), gain->dims());
    map(out) = {dims, unions_.add(static_cast<size_t>(gain->size()))};
    found_.operands.push_back({id, 1, false, gain->dims(), map(out).channels});
    if (offset != kNoValue) {
      if (plain_constant(offset)->dims() != gain->dims())
        fix(out);
      else
        found_.operands.push_back({id, 2, false, gain->dims(), map(out).channels});
    }
    return true;
  }

  const Graph& graph_;
  const bool split_clamps_;
  ChannelUnions unions_;
  FreeChannels found_;
};

}  // namespace

FreeChannels find_free_channels(const Graph& graph, bool split_clamps) {
  return Follower(graph, split_clamps).follow();
}

}  // namespace tinyc
