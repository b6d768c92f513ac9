// What op code functions see of the builder.
#include <numeric>

#include "code/builder.h"
#include "tinyc/base/error.h"

namespace tinyc {

Order plain_order(int rank) {
  Order order(static_cast<size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Order channels_last(int rank) {
  Order order = plain_order(rank);
  if (rank > 2) {
    order.erase(order.begin() + 1);
    order.push_back(1);
  }
  return order;
}

Dims ordered(std::span<const int64_t> dims, const Order& order) {
  Dims result;
  for (int axis : order) result.push_back(dims[static_cast<size_t>(axis)]);
  return result;
}

namespace {

ValueId operand(const Node& node, int idx) {
  const auto i = static_cast<size_t>(idx);
  return i < node.inputs.size() ? node.inputs[i] : kNoValue;
}

}  // namespace

bool CodeContext::has_input(int idx) const {
  return operand(node_, idx) != kNoValue;
}

Dims CodeContext::dims(int idx) const {
  return *builder_.value(operand(node_, idx)).type.shape.known_dims();
}

DataType CodeContext::dtype(int idx) const {
  return builder_.value(operand(node_, idx)).type.dtype;
}

Dims CodeContext::result_dims(int idx) const {
  return *builder_.value(node_.outputs[static_cast<size_t>(idx)]).type.shape.known_dims();
}

const Tensor* CodeContext::constant(int idx) const {
  if (!has_input(idx)) return nullptr;
  const Value& value = builder_.value(operand(node_, idx));
  return value.constant ? &*value.constant : nullptr;
}

const QParams* CodeContext::params(int idx) const {
  return has_input(idx) ? builder_.params(operand(node_, idx)) : nullptr;
}

bool CodeContext::packs_weights() const {
  return builder_.options().pack_weights;
}

std::span<const CoderDef* const> CodeContext::coders() const {
  const DeviceOptions& options = builder_.options();
  if (options.layer_coders.empty()) return options.coders;
  const auto found = options.layer_coders.find(node_.name);
  return found == options.layer_coders.end() ? std::span<const CoderDef* const>{} : found->second;
}

bool CodeContext::is_integer(int idx) const {
  return has_input(idx) && builder_.on_grid(operand(node_, idx));
}

bool CodeContext::is_result_integer(int idx) const {
  return builder_.on_grid(builder_.result_of(node_.outputs[static_cast<size_t>(idx)]));
}

Grid CodeContext::grid(int idx) const {
  return builder_.grid(operand(node_, idx));
}

Grid CodeContext::result_grid(int idx) const {
  return builder_.result_grid(builder_.result_of(node_.outputs[static_cast<size_t>(idx)]));
}

Order CodeContext::order_of(int idx, const Order& wanted) const {
  return builder_.order_of(operand(node_, idx), wanted);
}

CallArg CodeContext::in(int idx, const Order& order) {
  return builder_.read(operand(node_, idx), order, DataType::kInt8);
}

CallArg CodeContext::in_float(int idx, const Order& order) {
  return builder_.read(operand(node_, idx), order, DataType::kFloat);
}

CallArg CodeContext::in_bytes(int idx, const Order& order) {
  return builder_.read(operand(node_, idx), order, DataType::kUint8);
}

CallArg CodeContext::out(const Order& order, int idx) {
  return builder_.write(node_.outputs[static_cast<size_t>(idx)], order, DataType::kInt8);
}

CallArg CodeContext::out_float(const Order& order, int idx) {
  return builder_.write(node_.outputs[static_cast<size_t>(idx)], order, DataType::kFloat);
}

CallArg CodeContext::out_index(const Order& order, int idx) {
  return builder_.write(node_.outputs[static_cast<size_t>(idx)], order, DataType::kInt32);
}

void CodeContext::alias(int idx, const Order& order, const Order& result_order, int result) {
  builder_.alias(operand(node_, idx), order, node_.outputs[static_cast<size_t>(result)], result_order);
}

CallArg CodeContext::scratch(int64_t bytes) {
  return builder_.scratch(bytes);
}

CallArg CodeContext::data(std::string_view role, Tensor tensor, const WeightForm& form) {
  return builder_.data(node_.name + "_" + std::string(role), std::move(tensor), form);
}

CallArg CodeContext::number(int64_t value) const {
  TINYC_CHECK(value >= INT32_MIN && value <= INT32_MAX);
  return {CallArg::Kind::kNumber, static_cast<int32_t>(value), 0, 0};
}

void CodeContext::call(const KernelDef& kernel, std::vector<CallArg> args) {
  builder_.call(kernel, std::move(args));
}

void CodeContext::unpacks(int64_t weights, bool by_blocks) {
  KernelCall& call = builder_.last_call();
  (by_blocks ? call.unpacked_blocks : call.unpacked_runs) += weights;
}

void CodeContext::decodes(int64_t weights, int64_t bytes) {
  KernelCall& call = builder_.last_call();
  call.decoded += weights;
  call.decoded_bytes += bytes;
}

void CodeContext::multiplies(int64_t products, int64_t staged) {
  builder_.last_call().multiplied += products;
  builder_.last_call().staged += staged;
}

void CodeContext::overlap_same_start(const CallArg& result, const CallArg& operand) {
  builder_.last_call().overlaps.push_back({BufferId(result.id), BufferId(operand.id), true, 0});
}

void CodeContext::overlap_below(const CallArg& result, const CallArg& operand, int64_t below) {
  builder_.last_call().overlaps.push_back({BufferId(result.id), BufferId(operand.id), false, below});
}

void CodeContext::refuse(const std::string& why) const {
  throw Error(ErrorKind::kModel, why + " (emitting C)", "see `tinyc list ops` for what runs on a device");
}

}  // namespace tinyc
