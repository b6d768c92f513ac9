// Takes slices out of a graph: constants and their scales are cut, nodes say the new sizes.
#include <algorithm>
#include <cstring>

#include "tinyc/ops/op.h"
#include "tinyc/quant/slice_cuts.h"

namespace tinyc {
namespace {

// Scales that lie along an axis.
void cut_scales(QParams& params, size_t axis, const std::vector<int64_t>& kept) {
  if (params.axis != static_cast<int>(axis)) return;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  for (const int64_t k : kept) {
    scales.push_back(params.scales[static_cast<size_t>(k)]);
    zero_points.push_back(params.zero_points[static_cast<size_t>(k)]);
  }
  params.scales = std::move(scales);
  params.zero_points = std::move(zero_points);
}

void cut_value(Value& value, size_t axis, const std::vector<int64_t>& kept) {
  if (value.constant) value.constant = take_indices(*value.constant, axis, kept);
  if (value.quant) cut_scales(std::get<QParams>(*value.quant), axis, kept);
  value.type.shape[static_cast<int>(axis)] = Dim(static_cast<int64_t>(kept.size()));
}

}  // namespace

bool SliceCuts::cuts(const Graph& graph, ValueId id, size_t axis) const {
  const Dim& dim = graph[id].type.shape[static_cast<int>(axis)];
  return dim.known() && kept[index_of(id)][axis].size() != static_cast<size_t>(dim.value);
}

bool SliceCuts::cuts(const Graph& graph, ValueId id) const {
  for (size_t axis = 0; axis < kept[index_of(id)].size(); ++axis) {
    if (cuts(graph, id, axis)) return true;
  }
  return false;
}

bool SliceCuts::empty(const Graph& graph) const {
  for (size_t i = 0; i < kept.size(); ++i) {
    if (cuts(graph, ValueId(i))) return false;
  }
  return true;
}

Tensor take_indices(const Tensor& from, size_t axis, const std::vector<int64_t>& kept) {
  Dims dims = from.dims();
  const int64_t outer = element_count(std::span(dims).subspan(0, axis)), extent = dims[axis];
  const int64_t inner = element_count(std::span(dims).subspan(axis + 1));
  dims[axis] = static_cast<int64_t>(kept.size());
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

void apply_slice_cuts(Graph& graph, const SliceCuts& cuts) {
  for (const ResizedNode& resized : cuts.nodes) {
    Node& node = graph[resized.node];
    node.attributes = resized.attributes;
    for (const auto& [k, tensor] : resized.constants) {
      const bool named = k < static_cast<int>(node.inputs.size()) && node.inputs[static_cast<size_t>(k)] != kNoValue;
      const std::string name = named ? graph[node.inputs[static_cast<size_t>(k)]].name : node.name + "_sizes";
      const ValueId id = graph.add_constant(name, tensor);
      std::vector<ValueId>& inputs = graph[resized.node].inputs;
      if (static_cast<int>(inputs.size()) <= k) inputs.resize(static_cast<size_t>(k) + 1, kNoValue);
      inputs[static_cast<size_t>(k)] = id;
    }
  }
  for (size_t i = 0; i < cuts.kept.size(); ++i) {
    for (size_t axis = 0; axis < cuts.kept[i].size(); ++axis) {
      if (cuts.cuts(graph, ValueId(i), axis)) cut_value(graph[ValueId(i)], axis, cuts.kept[i][axis]);
    }
  }
}

}  // namespace tinyc
