// Forms of opsets 13 to 20.
//
// A graph is written in the opset that it was imported with, so that a runtime which read the original reads the
// result; passes may have added what that opset does not have, then it is raised. Two tables say it all: kNeeds, the
// opset that an operator, or one attribute or operand of it, came with; and kDowngrades, forms that opset 21 has in
// another way.
//
// Source: the operators' change log (Changelog.md) and the version table (Versioning.md) of the ONNX project.
#include "onnx/opset.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

struct Need {
  std::string_view op_type;
  std::string_view attribute;  // empty: the operator itself
  int input;                   // -1: none
  int64_t opset;
};

constexpr Need kNeeds[] = {
    {"AffineGrid", "", -1, 20},
    {"Attention", "", -1, 23},
    {"AveragePool", "dilations", -1, 19},
    {"BatchNormalization", "training_mode", -1, 14},
    {"Bernoulli", "", -1, 15},
    {"BitCast", "", -1, 26},
    {"BitwiseAnd", "", -1, 18},
    {"BitwiseNot", "", -1, 18},
    {"BitwiseOr", "", -1, 18},
    {"BitwiseXor", "", -1, 18},
    {"BlackmanWindow", "", -1, 17},
    {"Cast", "round_mode", -1, 24},
    {"Cast", "saturate", -1, 19},
    {"CastLike", "", -1, 15},
    {"CastLike", "saturate", -1, 19},
    {"CenterCropPad", "", -1, 18},
    {"Col2Im", "", -1, 18},
    {"CumProd", "", -1, 26},
    {"DFT", "", -1, 17},
    {"DeformConv", "", -1, 19},
    {"DequantizeLinear", "block_size", -1, 21},
    {"DequantizeLinear", "output_dtype", -1, 23},
    {"GRU", "layout", -1, 14},
    {"Gelu", "", -1, 20},
    {"GridSample", "", -1, 16},
    {"GroupNormalization", "", -1, 21},
    {"HammingWindow", "", -1, 17},
    {"HannWindow", "", -1, 17},
    {"HardSwish", "", -1, 14},
    {"LSTM", "layout", -1, 14},
    {"LayerNormalization", "", -1, 17},
    {"LpPool", "ceil_mode", -1, 18},
    {"LpPool", "dilations", -1, 18},
    {"MelWeightMatrix", "", -1, 17},
    {"Mish", "", -1, 18},
    {"Optional", "", -1, 15},
    {"OptionalGetElement", "", -1, 15},
    {"OptionalHasElement", "", -1, 15},
    {"Pad", "", 3, 18},
    {"QuantizeLinear", "block_size", -1, 21},
    {"QuantizeLinear", "output_dtype", -1, 21},
    {"QuantizeLinear", "precision", -1, 23},
    {"QuantizeLinear", "saturate", -1, 19},
    {"RMSNormalization", "", -1, 23},
    {"RNN", "layout", -1, 14},
    {"Reshape", "allowzero", -1, 14},
    {"Resize", "antialias", -1, 18},
    {"Resize", "axes", -1, 18},
    {"Resize", "keep_aspect_ratio_policy", -1, 18},
    {"RotaryEmbedding", "", -1, 23},
    {"STFT", "", -1, 17},
    {"ScatterElements", "reduction", -1, 16},
    {"ScatterND", "reduction", -1, 16},
    {"SequenceMap", "", -1, 17},
    {"Shape", "end", -1, 15},
    {"Shape", "start", -1, 15},
    {"Swish", "", -1, 24},
    {"TensorScatter", "", -1, 24},
    {"Trilu", "", -1, 14},
};

const Tensor* constant_input(const Graph& graph, const Node& node, size_t idx) {
  if (idx >= node.inputs.size() || node.inputs[idx] == kNoValue) return nullptr;
  const Value& value = graph[node.inputs[idx]];
  return value.constant ? &*value.constant : nullptr;
}

bool has_input(const Node& node, size_t idx) {
  return idx < node.inputs.size() && node.inputs[idx] != kNoValue;
}

// Of the first operand.
Shape shape_of(const Graph& graph, const Node& node) {
  return has_input(node, 0) ? graph[node.inputs[0]].type.shape : Shape::unranked();
}

// Axes became an input in opset 18.
bool reduce_can(const Graph& graph, const Node& node) {
  const bool noop = has_attr(node, "noop_with_empty_axes") && int_attr(node, "noop_with_empty_axes") != 0;
  return !noop && (!has_input(node, 1) || constant_input(graph, node, 1) != nullptr);
}
void reduce_downgrade(const Graph& graph, Node& node) {
  if (const Tensor* axes = constant_input(graph, node, 1)) node.attributes["axes"] = axes->to_int64();
  node.attributes.erase("noop_with_empty_axes");
  node.inputs.resize(1);
}

// Before opset 18 the parts were as many as the outputs, all of one size.
bool split_can(const Graph& graph, const Node& node) {
  if (has_input(node, 1)) return true;
  const Shape shape = shape_of(graph, node);
  const auto parts = static_cast<int64_t>(node.outputs.size());
  if (!shape.ranked() || parts == 0) return true;
  const Dim& dim = shape[normalize_axis(int_attr(node, "axis"), shape.rank())];
  return !dim.known() || dim.value % parts == 0;
}
void split_downgrade(const Graph&, Node& node) {
  node.attributes.erase("num_outputs");
}

// Modes were named after two dimensions before opset 20.
bool grid_sample_can(const Graph& graph, const Node& node) {
  const Shape shape = shape_of(graph, node);
  return !shape.ranked() || shape.rank() == 4;
}
void grid_sample_downgrade(const Graph&, Node& node) {
  const auto mode = node.attributes.find("mode");
  if (mode == node.attributes.end()) return;
  auto& text = std::get<std::string>(mode->second);
  if (text == "linear") text = "bilinear";
  if (text == "cubic") text = "bicubic";
}

// The axis was an attribute, with another default, before opset 20.
bool dft_can(const Graph& graph, const Node& node) {
  return has_input(node, 2) && constant_input(graph, node, 2) != nullptr && constant_input(graph, node, 2)->size() == 1;
}
void dft_downgrade(const Graph& graph, Node& node) {
  node.attributes["axis"] = constant_input(graph, node, 2)->to_int64().at(0);
  node.inputs.resize(has_input(node, 1) ? 2 : 1);
}

// Before opset 16 there was one mode, which is not today's default.
bool roi_align_can(const Graph&, const Node& node) {
  return string_attr(node, "coordinate_transformation_mode") == "output_half_pixel";
}
void roi_align_downgrade(const Graph&, Node& node) {
  node.attributes.erase("coordinate_transformation_mode");
}

struct Downgrade {
  std::string_view op_type;
  int64_t below;
  bool (*can)(const Graph&, const Node&);
  void (*apply)(const Graph&, Node&);
};

constexpr Downgrade kDowngrades[] = {
    {"DFT", 20, dft_can, dft_downgrade},
    {"GridSample", 20, grid_sample_can, grid_sample_downgrade},
    {"ReduceL1", 18, reduce_can, reduce_downgrade},
    {"ReduceL2", 18, reduce_can, reduce_downgrade},
    {"ReduceLogSum", 18, reduce_can, reduce_downgrade},
    {"ReduceLogSumExp", 18, reduce_can, reduce_downgrade},
    {"ReduceMax", 18, reduce_can, reduce_downgrade},
    {"ReduceMean", 18, reduce_can, reduce_downgrade},
    {"ReduceMin", 18, reduce_can, reduce_downgrade},
    {"ReduceProd", 18, reduce_can, reduce_downgrade},
    {"ReduceSumSquare", 18, reduce_can, reduce_downgrade},
    {"RoiAlign", 16, roi_align_can, roi_align_downgrade},
    {"Split", 18, split_can, split_downgrade},
};

bool is_wide_or_packed_integer(DataType dtype) {
  return is_integer(dtype) && (bits_of(dtype) < 8 || bits_of(dtype) == 16);
}

// Quantization to 16 and 4 bits came with opset 21, to 8-bit floats with 19.
int64_t opset_of_types(const Graph& graph, const Node& node) {
  const bool quantize = node.op->name == "QuantizeLinear";
  if (!quantize && node.op->name != "DequantizeLinear") return kOldestWritten;
  int64_t opset = kOldestWritten;
  const auto visit = [&](ValueId id) {
    if (id == kNoValue) return;
    const DataType dtype = graph[id].constant ? graph[id].constant->dtype() : graph[id].type.dtype;
    if (is_wide_or_packed_integer(dtype)) opset = 21;
    if (bits_of(dtype) == 8 && !is_integer(dtype)) opset = std::max<int64_t>(opset, 19);
  };
  for (const ValueId id : node.inputs) visit(id);
  for (const ValueId id : node.outputs) visit(id);
  return opset;
}

int64_t required_opset(const Graph& graph, const Node& node) {
  int64_t opset = opset_of_types(graph, node);
  for (const Need& need : kNeeds) {
    if (need.op_type != node.op->name) continue;
    const bool uses = need.input >= 0 ? has_input(node, static_cast<size_t>(need.input))
                                      : need.attribute.empty() || has_attr(node, need.attribute);
    if (uses) opset = std::max(opset, need.opset);
  }
  for (const Downgrade& row : kDowngrades) {
    if (row.op_type == node.op->name && !row.can(graph, node)) opset = std::max(opset, row.below);
  }
  return opset;
}

}  // namespace

int64_t required_opset(const Graph& graph) {
  int64_t opset = kOldestWritten;
  for (const Node& node : graph.nodes) {
    if (node.op != nullptr && node.op->domain.empty()) opset = std::max(opset, required_opset(graph, node));
    for (const auto& [name, attribute] : node.attributes) {
      const auto* subgraph = std::get_if<std::shared_ptr<const Graph>>(&attribute);
      if (subgraph != nullptr) opset = std::max(opset, required_opset(**subgraph));
    }
  }
  return opset;
}

int64_t ir_version_for(int64_t opset) {
  if (opset < 15) return 7;
  if (opset < 19) return 8;
  if (opset < 21) return 9;
  if (opset < 23) return 10;
  if (opset < 24) return 11;
  if (opset < 25) return 12;
  return opset < 28 ? 13 : 14;
}

Node downgraded(const Graph& graph, Node node, int64_t opset) {
  if (node.op == nullptr || !node.op->domain.empty()) return node;
  for (const Downgrade& row : kDowngrades) {
    if (row.op_type == node.op->name && opset < row.below) row.apply(graph, node);
  }
  return node;
}

}  // namespace tinyc
