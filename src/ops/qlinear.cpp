#include "tinyc/ops/qlinear.h"

#include <algorithm>
#include <cstring>

#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr std::string_view kContributed = "com.microsoft";

// These move elements, but ONNX defines them for floats only, or onnxruntime has no kernel for 8 bits.
constexpr std::string_view kFloatMovers[] = {"Dropout", "GlobalMaxPool", "MaxUnpool", "Trilu"};

constexpr QLinearLayout kLayouts[] = {
    {.domain = "", .name = "QLinearConv", .float_op = "Conv", .data = 0, .data_count = 2, .result = 6, .bias = 8},
    {.domain = "", .name = "QLinearMatMul", .float_op = "MatMul", .data = 0, .data_count = 2, .result = 6},
    {.domain = kContributed, .name = "QGemm", .float_op = "Gemm", .data = 0, .data_count = 2, .result = 7, .bias = 6},
    {.domain = kContributed, .name = "QLinearAdd", .float_op = "Add", .data = 0, .data_count = 2, .result = 6},
    {.domain = kContributed, .name = "QLinearMul", .float_op = "Mul", .data = 0, .data_count = 2, .result = 6},
    {.domain = kContributed,
     .name = "QLinearAveragePool",
     .float_op = "AveragePool",
     .data = 0,
     .data_count = 1,
     .result = 3},
    {.domain = kContributed,
     .name = "QLinearGlobalAveragePool",
     .float_op = "GlobalAveragePool",
     .data = 0,
     .data_count = 1,
     .result = 3},
    {.domain = kContributed,
     .name = "QLinearLeakyRelu",
     .float_op = "LeakyRelu",
     .data = 0,
     .data_count = 1,
     .result = 3},
    {.domain = kContributed, .name = "QLinearSigmoid", .float_op = "Sigmoid", .data = 0, .data_count = 1, .result = 3},
    {.domain = kContributed, .name = "QLinearSoftmax", .float_op = "Softmax", .data = 0, .data_count = 1, .result = 3},
    {.domain = kContributed,
     .name = "QLinearConcat",
     .float_op = "Concat",
     .data = 2,
     .data_count = kAllData,
     .result = 0},
    {.domain = kContributed,
     .name = "QLinearWhere",
     .float_op = "Where",
     .data = 1,
     .data_count = 2,
     .result = 7,
     .plain = 0},
};

// One scale is written as a scalar, whatever the axis: read back, it is per tensor.
bool is_per_axis(const QParams& params) {
  return params.axis >= 0 && (params.scales.size() > 1 || params.block > 0);
}

Tensor zero_point_tensor(const QParams& params, const Dims& dims) {
  Tensor tensor = Tensor::zeros(params.storage, dims);
  const int bytes = bits_of(params.storage) / 8;
  for (size_t i = 0; i < params.zero_points.size(); ++i) {
    if (bytes == 0) {
      store_packed(tensor.mutable_bytes(), params.storage, static_cast<int64_t>(i), params.zero_points[i]);
    } else {  // little endian
      std::memcpy(tensor.mutable_bytes() + i * static_cast<size_t>(bytes), &params.zero_points[i],
                  static_cast<size_t>(bytes));
    }
  }
  return tensor;
}

const Tensor* constant_of(const Graph& graph, ValueId id) {
  if (id == kNoValue || !graph[id].constant) return nullptr;
  const Value& value = graph[id];
  return value.constant->dtype() == value.type.dtype ? &*value.constant : nullptr;
}

Node linear_node(std::string_view op, std::string name, std::vector<ValueId> inputs, ValueId output,
                 const QParams& params) {
  Node node;
  node.op = find_op("", op);
  TINYC_CHECK(node.op != nullptr);
  node.name = std::move(name);
  node.inputs = std::move(inputs);
  if (node.inputs.back() == kNoValue) node.inputs.pop_back();
  node.outputs = {output};
  if (is_per_axis(params)) node.attributes["axis"] = static_cast<int64_t>(params.axis);
  if (params.block > 0) node.attributes["block_size"] = static_cast<int64_t>(params.block);
  return node;
}

}  // namespace

std::span<const QLinearLayout> qlinear_layouts() {
  return kLayouts;
}

const QLinearLayout* find_qlinear(const Node& node) {
  if (node.op == nullptr) return nullptr;
  const auto row = std::find_if(std::begin(kLayouts), std::end(kLayouts), [&](const QLinearLayout& layout) {
    return layout.domain == node.op->domain && layout.name == node.op->name;
  });
  return row == std::end(kLayouts) ? nullptr : row;
}

const QLinearLayout* find_qlinear_of(const Node& node) {
  if (node.op == nullptr || !node.op->domain.empty()) return nullptr;
  const auto row = std::find_if(std::begin(kLayouts), std::end(kLayouts),
                                [&](const QLinearLayout& layout) { return layout.float_op == node.op->name; });
  return row == std::end(kLayouts) ? nullptr : row;
}

std::vector<int> moved_operands(const Node& node) {
  if (node.op == nullptr || !node.op->domain.empty() || node.inputs.empty()) return {};
  const QuantKind kind = node.op->quant.kind;
  if (kind == QuantKind::kSameAsInput) {
    if (std::find(std::begin(kFloatMovers), std::end(kFloatMovers), node.op->name) != std::end(kFloatMovers)) return {};
    const bool mixes = node.op->name == "Resize" && string_attr(node, "mode") != "nearest";
    return mixes ? std::vector<int>() : std::vector{0};
  }
  std::vector<int> operands;
  for (int i = 0; kind == QuantKind::kShared && i < static_cast<int>(node.inputs.size()); ++i) {
    if (is_data_operand(node, i)) operands.push_back(i);
  }
  return operands;
}

ParamOperands add_params(Graph& graph, std::string_view base, const QParams& params, std::span<const int64_t> dims) {
  Dims param_dims;
  if (is_per_axis(params)) param_dims = {static_cast<int64_t>(params.scales.size())};
  if (params.block > 0) {
    param_dims.assign(dims.begin(), dims.end());
    int64_t& blocks = param_dims.at(static_cast<size_t>(params.axis));
    blocks = (blocks + params.block - 1) / params.block;
  }
  const std::string name(base);
  const ValueId scale = graph.add_constant(name + "_scale", Tensor::of<float>(param_dims, params.scales));
  if (params.storage == DataType::kInt32) return {scale, kNoValue};  // a bias has none; absent means 0
  return {scale, graph.add_constant(name + "_zero_point", zero_point_tensor(params, param_dims))};
}

std::optional<QParams> read_params(const Graph& graph, ParamOperands operands, DataType stored, int axis) {
  const Tensor* scale = constant_of(graph, operands.scale);
  const Tensor* zero_point = constant_of(graph, operands.zero_point);
  if (scale == nullptr || scale->dtype() != DataType::kFloat || !is_integer(stored) || bits_of(stored) > 32) return {};
  if (operands.zero_point != kNoValue) {
    if (zero_point == nullptr || zero_point->dtype() != stored) return {};
    if (zero_point->size() != scale->size() && zero_point->size() != 1) return {};
  }
  QParams params;
  params.storage = stored;
  params.scales = scale->to_float();
  params.zero_points.assign(params.scales.size(), 0);
  if (zero_point != nullptr) {
    const std::vector<int64_t> values = zero_point->to_int64();
    for (size_t i = 0; i < params.zero_points.size(); ++i) {
      params.zero_points[i] = static_cast<int32_t>(values.size() == 1 ? values[0] : values[i]);
    }
  }
  params.q_min = static_cast<int32_t>(min_of(stored));
  params.q_max = static_cast<int32_t>(max_of(stored));
  if (params.scales.size() != 1) params.axis = axis;
  return params;
}

bool params_fit(const QParams& params, const Shape& shape) {
  const auto dims = shape.known_dims();
  if (!dims) return params.axis < 0 && params.scales.size() == 1;
  try {
    check_params(params, *dims);
    return true;
  } catch (const Error&) {
    return false;
  }
}

Node quantize_node(std::string name, ValueId real, ParamOperands operands, ValueId stored, const QParams& params) {
  return linear_node("QuantizeLinear", std::move(name), {real, operands.scale, operands.zero_point}, stored, params);
}

Node dequantize_node(std::string name, ValueId stored, ParamOperands operands, ValueId real, const QParams& params) {
  return linear_node("DequantizeLinear", std::move(name), {stored, operands.scale, operands.zero_point}, real, params);
}

}  // namespace tinyc
