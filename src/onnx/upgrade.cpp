// Old forms of ai.onnx operators.
//
// Problem: an operator's meaning depends on the opset that the model imports. Most versions only admit more types; the
// others moved attributes to inputs, changed a default, or changed the meaning. The rest of tinyc knows opset 21 alone.
//
// Method: a table of (operator, first opset of the new form, function). A node passes through all rows of its operator
// whose opset is above its own, oldest first, and comes out in the form of opset 21. Rows that need a shape (Softmax)
// look at what inference has found so far and fall back to a form that works for every shape.
//
// Below opset 7 broadcasting was another thing; only operators that have not changed since are taken.
//
// Source: the operators' change log (Changelog.md) of the ONNX project.
#include "onnx/upgrade.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

template <typename T>
std::optional<T> take(LooseNode& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return std::nullopt;
  T* value = std::get_if<T>(&found->second);
  if (value == nullptr) {
    throw Error(ErrorKind::kModel, "attribute '" + std::string(name) + "' has the wrong type");
  }
  std::optional<T> taken = std::move(*value);
  node.attributes.erase(found);
  return taken;
}

void set_input(LooseNode& node, size_t idx, ValueId id) {
  if (node.inputs.size() <= idx) node.inputs.resize(idx + 1, kNoValue);
  node.inputs[idx] = id;
}

ValueId first_input(const LooseNode& node) {
  if (node.inputs.empty() || node.inputs[0] == kNoValue)
    throw Error(ErrorKind::kModel, "input 0 is left out but required");
  return node.inputs[0];
}

ValueId int64_list(const std::vector<int64_t>& values, const UpgradeTools& tools) {
  return tools.add_constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

// A list attribute becomes input `idx`.
void ints_to_input(LooseNode& node, std::string_view name, size_t idx, const UpgradeTools& tools) {
  const auto values = take<std::vector<int64_t>>(node, name);
  if (values && !values->empty()) set_input(node, idx, int64_list(*values, tools));
}

// A scalar of the type of operand 0.
ValueId scalar_like(const LooseNode& node, float value, const UpgradeTools& tools) {
  switch (tools.value(first_input(node)).type.dtype) {
    case DataType::kDouble:
      return tools.add_constant(Tensor::scalar<double>(value));
    case DataType::kFloat16:
      return tools.add_constant(Tensor::scalar<uint16_t>(float_to_half(value)).reinterpreted(DataType::kFloat16));
    default:
      return tools.add_constant(Tensor::scalar<float>(value));
  }
}

void axes_to_input(LooseNode& node, const UpgradeTools& tools) {
  ints_to_input(node, "axes", 1, tools);
}

void split_to_input(LooseNode& node, const UpgradeTools& tools) {
  ints_to_input(node, "split", 1, tools);
}

void split_count(LooseNode& node, const UpgradeTools&) {
  if (node.inputs.size() < 2 || node.inputs[1] == kNoValue) {
    node.attributes["num_outputs"] = static_cast<int64_t>(node.outputs.size());
  }
}

void slice_to_inputs(LooseNode& node, const UpgradeTools& tools) {
  ints_to_input(node, "starts", 1, tools);
  ints_to_input(node, "ends", 2, tools);
  ints_to_input(node, "axes", 3, tools);
}

void pad_to_inputs(LooseNode& node, const UpgradeTools& tools) {
  ints_to_input(node, "pads", 1, tools);
  if (const auto value = take<float>(node, "value"); value && *value != 0.0F) {
    set_input(node, 2, scalar_like(node, *value, tools));
  }
}

void clip_to_inputs(LooseNode& node, const UpgradeTools& tools) {
  if (const auto low = take<float>(node, "min")) set_input(node, 1, scalar_like(node, *low, tools));
  if (const auto high = take<float>(node, "max")) set_input(node, 2, scalar_like(node, *high, tools));
}

void topk_to_input(LooseNode& node, const UpgradeTools& tools) {
  if (const auto k = take<int64_t>(node, "k")) set_input(node, 1, int64_list({*k}, tools));
}

void dropout_to_input(LooseNode& node, const UpgradeTools& tools) {
  if (const auto ratio = take<float>(node, "ratio"))
    set_input(node, 1, tools.add_constant(Tensor::scalar<float>(*ratio)));
}

void batch_normalization_spatial(LooseNode& node, const UpgradeTools&) {
  if (take<int64_t>(node, "spatial").value_or(1) == 0) {
    throw Error(ErrorKind::kModel, "spatial = 0 (statistics per element) is not supported");
  }
}

void scatter(LooseNode& node, const UpgradeTools&) {
  node.op_type = "ScatterElements";
}

void roi_align_mode(LooseNode& node, const UpgradeTools&) {
  node.attributes["coordinate_transformation_mode"] = std::string("output_half_pixel");
}

void grid_sample_mode(LooseNode& node, const UpgradeTools&) {
  const auto mode = take<std::string>(node, "mode");
  if (mode)
    node.attributes["mode"] = *mode == "bilinear" ? "linear" : *mode == "bicubic" ? std::string("cubic") : *mode;
}

void dft_axis(LooseNode& node, const UpgradeTools& tools) {
  set_input(node, 2, tools.add_constant(Tensor::scalar<int64_t>(take<int64_t>(node, "axis").value_or(1))));
}

void upsample_scales(LooseNode& node, const UpgradeTools& tools) {
  if (const auto scales = take<std::vector<float>>(node, "scales")) {
    set_input(node, 1, tools.add_constant(Tensor::of<float>({static_cast<int64_t>(scales->size())}, *scales)));
  }
}

// Upsample, and Resize of opset 10, sample at asymmetric positions; nearest takes the element below, or above when the
// tensor shrinks.
void upsample_to_resize(LooseNode& node, const UpgradeTools& tools) {
  if (node.inputs.size() != 2 || node.inputs[1] == kNoValue) throw Error(ErrorKind::kModel, "has no scales");
  const Value scales = tools.value(node.inputs[1]);
  bool shrinks = false;
  if (scales.constant) {
    for (const float scale : scales.constant->to_float()) shrinks = shrinks || scale < 1.0F;
  }
  node.op_type = "Resize";
  node.inputs = {node.inputs[0], kNoValue, node.inputs[1]};
  const auto mode = take<std::string>(node, "mode").value_or("nearest");
  node.attributes["mode"] = mode == "bilinear" ? std::string("linear") : mode;
  node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  node.attributes["nearest_mode"] = std::string(shrinks ? "ceil" : "floor");
}

// The one axis along which the old form (all axes from `axis` on as one) is the new form, when there is one.
std::optional<int64_t> single_axis(const Shape& shape, int64_t axis) {
  if (!shape.ranked()) return std::nullopt;
  const int rank = shape.rank();
  const int first = axis == rank ? rank : normalize_axis(axis, rank);
  std::optional<int64_t> found;
  for (int i = first; i < rank; ++i) {
    if (shape[i].known() && shape[i].value == 1) continue;
    if (found) return std::nullopt;
    found = i;
  }
  if (!found && first == rank) return std::nullopt;
  return found ? found : first;
}

// Softmax, LogSoftmax and Hardmax took the tensor as a matrix, cut before `axis`.
void softmax_flatten(LooseNode& node, const UpgradeTools& tools) {
  const ValueId input = first_input(node);
  const int64_t axis = take<int64_t>(node, "axis").value_or(1);
  if (const auto single = single_axis(tools.value(input).type.shape, axis)) {
    node.attributes["axis"] = *single;
    return;
  }
  const ValueId shape = tools.add_node({"Shape", {input}, {}, {}});
  const ValueId matrix = tools.add_node({"Flatten", {input}, {}, {{"axis", axis}}});
  const ValueId result = tools.add_node({node.op_type, {matrix}, {}, {{"axis", int64_t{-1}}}});
  node.op_type = "Reshape";
  node.inputs = {result, shape};
  node.attributes.clear();
}

// Scale and bias were given per group, now per channel.
void group_normalization_channels(LooseNode& node, const UpgradeTools& tools) {
  const Shape shape = tools.value(first_input(node)).type.shape;
  const auto groups = node.attributes.find("num_groups");
  const int64_t* count = groups == node.attributes.end() ? nullptr : std::get_if<int64_t>(&groups->second);
  if (node.inputs.size() != 3 || count == nullptr) throw Error(ErrorKind::kModel, "needs 3 inputs and num_groups");
  if (*count <= 0 || !shape.ranked() || shape.rank() < 2 || !shape[1].known() || shape[1].value % *count != 0) {
    throw Error(ErrorKind::kModel, "has channels that are unknown or not a multiple of num_groups");
  }
  const ValueId column = int64_list({*count, 1}, tools);
  const ValueId grid = int64_list({*count, shape[1].value / *count}, tools);
  const ValueId flat = int64_list({-1}, tools);
  for (const size_t idx : {size_t{1}, size_t{2}}) {
    const ValueId per_group = tools.add_node({"Reshape", {node.inputs[idx], column}, {}, {}});
    const ValueId repeated = tools.add_node({"Expand", {per_group, grid}, {}, {}});
    node.inputs[idx] = tools.add_node({"Reshape", {repeated, flat}, {}, {}});
  }
}

void scan_with_lengths(LooseNode&, const UpgradeTools&) {
  throw Error(ErrorKind::kModel, "Scan of opset 8 is not supported", "convert the model to opset 9 or newer");
}

struct Row {
  std::string_view op_type;
  int64_t until;  // the first opset that has the new form
  void (*apply)(LooseNode&, const UpgradeTools&);
};

constexpr Row kRows[] = {
    {"BatchNormalization", 9, batch_normalization_spatial},
    {"Clip", 11, clip_to_inputs},
    {"DFT", 20, dft_axis},
    {"Dropout", 12, dropout_to_input},
    {"GridSample", 20, grid_sample_mode},
    {"GroupNormalization", 21, group_normalization_channels},
    {"Hardmax", 13, softmax_flatten},
    {"LogSoftmax", 13, softmax_flatten},
    {"Pad", 11, pad_to_inputs},
    {"ReduceL1", 18, axes_to_input},
    {"ReduceL2", 18, axes_to_input},
    {"ReduceLogSum", 18, axes_to_input},
    {"ReduceLogSumExp", 18, axes_to_input},
    {"ReduceMax", 18, axes_to_input},
    {"ReduceMean", 18, axes_to_input},
    {"ReduceMin", 18, axes_to_input},
    {"ReduceProd", 18, axes_to_input},
    {"ReduceSum", 13, axes_to_input},
    {"ReduceSumSquare", 18, axes_to_input},
    {"Resize", 11, upsample_to_resize},
    {"RoiAlign", 16, roi_align_mode},
    {"Scan", 9, scan_with_lengths},
    {"Scatter", 11, scatter},
    {"Slice", 10, slice_to_inputs},
    {"Softmax", 13, softmax_flatten},
    {"Split", 13, split_to_input},
    {"Split", 18, split_count},
    {"Squeeze", 13, axes_to_input},
    {"TopK", 10, topk_to_input},
    {"Unsqueeze", 13, axes_to_input},
    {"Upsample", 9, upsample_scales},
    {"Upsample", 10, upsample_to_resize},
};

// Operators of which a version below opset 7 still is the form of opset 7, from that version on.
struct Unchanged {
  std::string_view op_type;
  int64_t since;
};
constexpr Unchanged kUnchangedSince[] = {
    {"Abs", 6},
    {"ArgMax", 1},
    {"ArgMin", 1},
    {"Cast", 6},
    {"Ceil", 6},
    {"Clip", 6},
    {"Concat", 4},
    {"Constant", 1},
    {"Conv", 1},
    {"ConvTranspose", 1},
    {"DepthToSpace", 1},
    {"Elu", 6},
    {"Exp", 6},
    {"Flatten", 1},
    {"Floor", 6},
    {"Gather", 1},
    {"GlobalAveragePool", 1},
    {"GlobalLpPool", 2},
    {"GlobalMaxPool", 1},
    {"HardSigmoid", 6},
    {"Hardmax", 1},
    {"Identity", 1},
    {"InstanceNormalization", 6},
    {"LRN", 1},
    {"LeakyRelu", 6},
    {"Log", 6},
    {"LogSoftmax", 1},
    {"LpNormalization", 1},
    {"LpPool", 2},
    {"MatMul", 1},
    {"MaxPool", 1},
    {"Neg", 6},
    {"Not", 1},
    {"Pad", 2},
    {"Reciprocal", 6},
    {"ReduceL1", 1},
    {"ReduceL2", 1},
    {"ReduceLogSum", 1},
    {"ReduceLogSumExp", 1},
    {"ReduceMax", 1},
    {"ReduceMean", 1},
    {"ReduceMin", 1},
    {"ReduceProd", 1},
    {"ReduceSum", 1},
    {"ReduceSumSquare", 1},
    {"Relu", 6},
    {"Reshape", 5},
    {"Selu", 6},
    {"Shape", 1},
    {"Sigmoid", 6},
    {"Size", 1},
    {"Slice", 1},
    {"Softmax", 1},
    {"Softplus", 1},
    {"Softsign", 1},
    {"SpaceToDepth", 1},
    {"Split", 2},
    {"Sqrt", 6},
    {"Squeeze", 1},
    {"Tanh", 6},
    {"Tile", 6},
    {"TopK", 1},
    {"Transpose", 1},
    {"Unsqueeze", 1},
};

void check_opset(std::string_view op_type, int64_t opset) {
  if (opset > kNewestOpset) {
    throw Error(ErrorKind::kModel,
                "opset " + std::to_string(opset) + " is newer than the newest that tinyc knows, " +
                    std::to_string(kNewestOpset),
                "export the model with an older opset, 21 for example");
  }
  if (opset >= kOldestOpset) return;
  const bool unchanged = std::any_of(std::begin(kUnchangedSince), std::end(kUnchangedSince), [&](const Unchanged& row) {
    return row.op_type == op_type && row.since <= opset;
  });
  if (!unchanged) {
    throw Error(ErrorKind::kModel,
                "opset " + std::to_string(opset) + " is older than the oldest that tinyc reads, " +
                    std::to_string(kOldestOpset),
                "convert the model with onnx.version_converter, or export it again");
  }
}

}  // namespace

bool has_other_name(std::string_view op_type, int64_t opset) {
  return (op_type == "Upsample" && opset < 10) || (op_type == "Scatter" && opset < 11);
}

void upgrade(LooseNode& node, int64_t opset, const UpgradeTools& tools) {
  check_opset(node.op_type, opset);
  const std::string op_type = node.op_type;
  for (const Row& row : kRows) {
    if (row.op_type == op_type && opset < row.until) row.apply(node, tools);
  }
}

}  // namespace tinyc
