#include "tinyc/ops/op.h"

#include <algorithm>
#include <bit>

#include "tinyc/base/error.h"

namespace tinyc {

#define TINYC_OP(name) extern const OpDef k_##name;
#include "op_list.inc"
#undef TINYC_OP

namespace {

#define TINYC_OP(name) &k_##name,
constexpr const OpDef* kOps[] = {
#include "op_list.inc"
};
#undef TINYC_OP

const AttributeDef& declared(const Node& node, std::string_view name, AttributeType type) {
  TINYC_CHECK(node.op != nullptr);
  const auto& defs = node.op->attributes;
  const auto def = std::find_if(defs.begin(), defs.end(), [&](const AttributeDef& d) { return d.name == name; });
  TINYC_CHECK(def != defs.end() && def->type == type);
  return *def;
}

template <typename T>
const T* given(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? nullptr : std::get_if<T>(&found->second);
}

// A list, tensor or graph attribute: empty when absent.
template <typename T>
const T& given_or_empty(const Node& node, std::string_view name, AttributeType type) {
  static const T kEmpty{};
  declared(node, name, type);
  const T* value = given<T>(node, name);
  return value != nullptr ? *value : kEmpty;
}

}  // namespace

bool is_data_operand(const Node& node, int idx) {
  constexpr int kTailBit = 31;  // all operands from the last set bit on
  if (node.op == nullptr) return false;
  const uint32_t mask = node.op->quant.data_inputs;
  const bool tail = (mask >> kTailBit) != 0;
  const uint32_t low = mask & ~(1U << kTailBit);
  const int last = 31 - std::countl_zero(low | 1U);
  if (tail && idx >= last) return true;
  return idx < kTailBit && ((low >> idx) & 1U) != 0;
}

std::span<const OpDef* const> all_ops() {
  return kOps;
}

const OpDef* find_op(std::string_view domain, std::string_view name) {
  static const auto* const kByName = [] {
    auto* map = new std::map<std::pair<std::string_view, std::string_view>, const OpDef*>;
    for (const OpDef* op : kOps) (*map)[{op->domain, op->name}] = op;
    return map;
  }();
  const auto found = kByName->find({domain == "ai.onnx" ? "" : domain, name});
  return found == kByName->end() ? nullptr : found->second;
}

std::string op_name(const Node& node) {
  const std::string domain = node.op != nullptr ? std::string(node.op->domain) : node.foreign->domain;
  const std::string name = node.op != nullptr ? std::string(node.op->name) : node.foreign->op_type;
  return domain.empty() ? name : domain + "." + name;
}

std::string describe(const Node& node) {
  std::string text = "node '" + node.name + "' (" + op_name(node);
  if (node.origin >= 0) text += ", #" + std::to_string(node.origin);
  return text + ")";
}

bool has_attr(const Node& node, std::string_view name) {
  return node.attributes.contains(name);
}

int64_t int_attr(const Node& node, std::string_view name) {
  const AttributeDef& def = declared(node, name, AttributeType::kInt);
  const auto* value = given<int64_t>(node, name);
  return value != nullptr ? *value : def.int_default;
}

float float_attr(const Node& node, std::string_view name) {
  const AttributeDef& def = declared(node, name, AttributeType::kFloat);
  const auto* value = given<float>(node, name);
  return value != nullptr ? *value : def.float_default;
}

std::string_view string_attr(const Node& node, std::string_view name) {
  const AttributeDef& def = declared(node, name, AttributeType::kString);
  const auto* value = given<std::string>(node, name);
  return value != nullptr ? std::string_view(*value) : def.string_default;
}

std::span<const int64_t> ints_attr(const Node& node, std::string_view name) {
  return given_or_empty<std::vector<int64_t>>(node, name, AttributeType::kInts);
}

std::span<const float> floats_attr(const Node& node, std::string_view name) {
  return given_or_empty<std::vector<float>>(node, name, AttributeType::kFloats);
}

const std::vector<std::string>& strings_attr(const Node& node, std::string_view name) {
  return given_or_empty<std::vector<std::string>>(node, name, AttributeType::kStrings);
}

const Tensor& tensor_attr(const Node& node, std::string_view name) {
  return given_or_empty<Tensor>(node, name, AttributeType::kTensor);
}

const std::shared_ptr<const Graph>& graph_attr(const Node& node, std::string_view name) {
  return given_or_empty<std::shared_ptr<const Graph>>(node, name, AttributeType::kGraph);
}

InferContext::InferContext(const Node& node, std::vector<Known> inputs)
    : node_(node), inputs_(std::move(inputs)), outputs_(node.outputs.size()) {}

const TensorType& InferContext::input(int idx) const {
  static const TensorType kAbsent;
  return has_input(idx) ? inputs_[static_cast<size_t>(idx)].type : kAbsent;
}

const Tensor* InferContext::value(int idx) const {
  return has_input(idx) ? inputs_[static_cast<size_t>(idx)].value : nullptr;
}

std::optional<Shape> InferContext::dims_value(int idx) const {
  if (!has_input(idx)) return std::nullopt;
  const Known& known = inputs_[static_cast<size_t>(idx)];
  if (known.dims) return known.dims;
  std::vector<Dim> dims;
  if (known.value != nullptr) {
    for (int64_t element : known.value->to_int64()) dims.emplace_back(element);
    return Shape(std::move(dims));
  }
  const Shape& shape = known.type.shape;
  if (!shape.ranked() || shape.rank() != 1 || !shape[0].known() || shape[0].value > 64) return std::nullopt;
  return Shape(std::vector<Dim>(static_cast<size_t>(shape[0].value)));
}

void InferContext::set_output(int idx, DataType dtype, Shape shape) {
  if (idx < output_count()) outputs_[static_cast<size_t>(idx)].type = {dtype, std::move(shape)};
}

void InferContext::set_dims_value(int idx, Shape dims) {
  if (idx < output_count()) outputs_[static_cast<size_t>(idx)].dims = std::move(dims);
}

void InferContext::fail_input(int idx, const std::string& what) const {
  throw Error(ErrorKind::kModel, "input " + std::to_string(idx) + " " + what);
}

void InferContext::require_rank(int idx, int rank) const {
  if (!has_input(idx) || !shape(idx).ranked() || shape(idx).rank() == rank) return;
  fail_input(idx, "has rank " + std::to_string(shape(idx).rank()) + ", expected " + std::to_string(rank));
}

void EvalContext::fail_input_type(int idx, DataType expected) const {
  const Tensor& given = input(idx);
  throw Error(ErrorKind::kModel, "input " + std::to_string(idx) + " is " +
                                     (given.defined() ? std::string(name_of(given.dtype())) : "left out") +
                                     ", expected " + std::string(name_of(expected)));
}

void EvalContext::fail_output(int idx) const {
  throw Error(ErrorKind::kModel, "the operands do not give the dims of output " + std::to_string(idx));
}

float* EvalContext::scratch_floats(size_t count) {
  constexpr size_t kAlignment = 64;
  if (scratch_.size() < count * sizeof(float) + kAlignment) scratch_.resize(count * sizeof(float) + kAlignment);
  void* place = scratch_.data();
  size_t space = scratch_.size();
  return static_cast<float*>(std::align(kAlignment, count * sizeof(float), place, space));
}

}  // namespace tinyc
