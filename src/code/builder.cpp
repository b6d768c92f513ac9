// From an annotated graph to kernel calls.
//
// Nodes are taken in execution order; each op's `code` function asks for its operands in the order and type that its
// kernel wants, and a value that lies otherwise is converted or transposed by a call in front, once for all readers
// that want the same. A Relu or Clip that is the only reader of a result becomes the limits of that result's kernel. A
// model input takes the order that its first reader wants, so that images come channels-last and nothing is transposed.
#include "code/builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "ops/code/kernels.h"
#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kTranspose = TINYC_KERNEL(tc_transpose_s8, "move_s8.h");
constexpr KernelDef kCopy = TINYC_KERNEL(tc_copy_s8, "move_s8.h");
constexpr KernelDef kTransposeFloats = TINYC_KERNEL(tc_transpose_f32, "move_f32.h");
constexpr KernelDef kQuantize = TINYC_KERNEL(tc_quantize_f32, "move_f32.h");
constexpr KernelDef kDequantize = TINYC_KERNEL(tc_dequantize_f32, "move_f32.h");

Graph with_closed_dims(const Graph& graph) {
  Graph closed = graph;
  for (ValueId id : closed.inputs) {
    for (int i = 0; i < closed[id].type.shape.rank(); ++i) {
      Dim& dim = closed[id].type.shape[i];
      if (!dim.known()) dim = Dim(1);
    }
  }
  infer_types(closed);
  absorb_flatten(closed);
  return closed;
}

// Orders that give the same bytes: axes of one element may stand anywhere.
bool same_bytes(const Order& a, const Order& b, std::span<const int64_t> dims) {
  const auto essential = [&](const Order& order) {
    Order kept;
    for (int axis : order) {
      if (dims[static_cast<size_t>(axis)] != 1) kept.push_back(axis);
    }
    return kept;
  };
  return essential(a) == essential(b);
}

// By axis: how far apart two neighbours along it lie in memory.
std::vector<int64_t> strides_in(const Order& order, std::span<const int64_t> dims) {
  std::vector<int64_t> strides(dims.size(), 1);
  int64_t stride = 1;
  for (size_t k = order.size(); k-- > 0;) {
    strides[static_cast<size_t>(order[k])] = stride;
    stride *= dims[static_cast<size_t>(order[k])];
  }
  return strides;
}

int64_t bytes_of(const Value& value, DataType dtype) {
  return byte_count(dtype, *value.type.shape.known_dims());
}

// A constant limit of a clamp; its default where it is left out; nothing where it is computed.
std::optional<float> limit(const Graph& graph, const Node& node, size_t idx, float otherwise) {
  if (idx >= node.inputs.size() || node.inputs[idx] == kNoValue) return otherwise;
  const Value& value = graph[node.inputs[idx]];
  if (!value.constant || value.constant->dtype() != DataType::kFloat) return std::nullopt;
  return value.constant->data<float>()[0];
}

}  // namespace

DeviceProgramBuilder::DeviceProgramBuilder(const Graph& graph, const DeviceOptions& options)
    : graph_(with_closed_dims(graph)),
      options_(options),
      uses_(graph_),
      places_(graph_.values.size()),
      result_of_(graph_.values.size()),
      fused_(graph_.nodes.size(), false),
      limits_(graph_.values.size()) {
  program_.name = graph_.name;
  for (size_t i = 0; i < result_of_.size(); ++i) result_of_[i] = ValueId(i);
  find_clamps();
}

const QParams* DeviceProgramBuilder::params(ValueId id) const {
  return linear_params(graph_[id]);
}

bool DeviceProgramBuilder::on_grid(ValueId id) const {
  const QParams* found = params(id);
  return found != nullptr && found->scales.size() == 1 && bits_of(found->storage) <= 8;
}

Grid DeviceProgramBuilder::grid(ValueId id) const {
  const QParams& params = *this->params(id);
  const int32_t shift = is_signed_integer(params.storage) ? 0 : 128;
  return {params.scales[0], params.zero_points[0] - shift, params.q_min - shift, params.q_max - shift};
}

Grid DeviceProgramBuilder::result_grid(ValueId id) const {
  Grid grid = this->grid(id);
  const auto& limits = limits_[index_of(id)];
  if (!limits) return grid;
  const auto on_grid = [&](float real) {
    const double q = std::nearbyint(static_cast<double>(real) / grid.scale) + grid.zero_point;
    return static_cast<int32_t>(std::clamp(q, static_cast<double>(grid.low), static_cast<double>(grid.high)));
  };
  const int32_t low = on_grid(limits->low);
  const int32_t high = on_grid(limits->high);
  grid.low = low;
  grid.high = std::max(low, high);
  return grid;
}

void DeviceProgramBuilder::find_clamps() {
  for (size_t i = graph_.nodes.size(); i-- > 0;) {
    const Node& node = graph_.nodes[i];
    if (node.op == nullptr || node.op->quant.kind != QuantKind::kClamp || node.inputs[0] == kNoValue) continue;
    const ValueId input = node.inputs[0];
    const ValueId result = node.outputs[0];
    if (!on_grid(result) || params(input) != nullptr || limits_[index_of(result)]) continue;
    const NodeId producer = uses_.producer_of(input);
    if (!uses_.has_single_reader(input) || producer == kNoNode) continue;
    const bool is_relu = node.op->inputs.max == 1;
    const auto low = is_relu ? 0.0F : limit(graph_, node, 1, -std::numeric_limits<float>::infinity());
    const auto high = limit(graph_, node, 2, std::numeric_limits<float>::infinity());
    if (!low || !high) continue;
    limits_[index_of(result)] = Limits{*low, *high};
    result_of_[index_of(input)] = result;
    fused_[i] = true;
  }
}

BufferId DeviceProgramBuilder::add_buffer(ValueId id, const Order& order, DataType dtype) {
  DeviceBuffer buffer;
  buffer.name = graph_[id].name;
  buffer.value = dtype == stored_as(id) ? id : kNoValue;
  buffer.order = order;
  buffer.bytes = bytes_of(graph_[id], dtype);
  program_.buffers.push_back(std::move(buffer));
  return BufferId(program_.buffers.size() - 1);
}

void DeviceProgramBuilder::add_input(size_t idx) {
  const ValueId id = graph_.inputs[idx];
  const DataType dtype = stored_as(id);
  const BufferId buffer = add_buffer(id, {}, dtype);
  program_.buffers[index_of(buffer)].home = DeviceBuffer::Home::kInput;
  program_.buffers[index_of(buffer)].index = static_cast<int>(idx);
  // Its order is that which the first reader asks for.
  places_[index_of(id)].push_back({buffer, 0, {}, dtype});
}

Order DeviceProgramBuilder::order_of(ValueId id, const Order& wanted) {
  std::vector<Place>& places = places_[index_of(id)];
  const int rank = graph_[id].type.shape.rank();
  if (places.empty()) return wanted;
  if (places[0].order.empty() && rank > 0) places[0].order = options_.plain_inputs ? plain_order(rank) : wanted;
  return places[0].order;
}

const DeviceProgramBuilder::Place* DeviceProgramBuilder::find(ValueId id, const Order& order, DataType dtype) const {
  const Dims dims = *graph_[id].type.shape.known_dims();
  for (const Place& place : places_[index_of(id)]) {
    if (place.dtype == dtype && place.rounded && same_bytes(place.order, order, dims)) return &place;
  }
  return nullptr;
}

// The elements of a constant in that order; integers less than a byte wide, or unsigned, as int8.
Tensor DeviceProgramBuilder::ordered_constant(ValueId id, const Order& order, DataType dtype) const {
  const Value& value = graph_[id];
  const Dims dims = value.constant->dims();
  const std::vector<int64_t> from = strides_in(plain_order(static_cast<int>(dims.size())), dims);
  const Dims memory = ordered(dims, order);
  std::vector<int64_t> places;
  std::vector<int64_t> at(dims.size(), 0);
  for (int64_t i = 0; i < value.constant->size(); ++i) {
    int64_t place = 0;
    for (size_t k = 0; k < order.size(); ++k) place += at[k] * from[static_cast<size_t>(order[k])];
    places.push_back(place);
    for (size_t k = order.size(); k-- > 0 && ++at[k] == memory[k];) at[k] = 0;
  }
  if (dtype == DataType::kFloat) {
    const QParams* stored = params(id);
    const bool is_stored = stored != nullptr && value.constant->dtype() == stored->storage;
    const std::vector<float> all =
        is_stored ? dequantize(*value.constant, *stored).to_float() : value.constant->to_float();
    std::vector<float> picked;
    for (int64_t place : places) picked.push_back(all[static_cast<size_t>(place)]);
    return Tensor::of<float>(memory, picked);
  }
  const std::vector<int64_t> all = value.constant->to_int64();
  const int64_t shift = is_signed_integer(params(id)->storage) ? 0 : 128;
  std::vector<int8_t> picked;
  for (int64_t place : places) picked.push_back(static_cast<int8_t>(all[static_cast<size_t>(place)] - shift));
  return Tensor::of<int8_t>(memory, picked);
}

CallArg DeviceProgramBuilder::read(ValueId id, const Order& order, DataType dtype) {
  if (graph_[id].constant) return data(graph_[id].name, ordered_constant(id, order, dtype));
  order_of(id, order);
  if (find(id, order, dtype) == nullptr) {
    const auto& places = places_[index_of(id)];
    TINYC_CHECK(!places.empty());
    const auto same_type =
        std::find_if(places.begin(), places.end(), [&](const Place& p) { return p.dtype == dtype && p.rounded; });
    const Place from = same_type != places.end() ? *same_type : places.front();
    const Place typed = same_type != places.end() ? from : convert(id, from, dtype);
    if (find(id, order, dtype) == nullptr) transpose(id, typed, order);
  }
  const Place* place = find(id, order, dtype);
  return {CallArg::Kind::kRead, 0, static_cast<uint32_t>(place->buffer), place->offset};
}

// Floats of a value on a grid are brought to the grid first, whoever reads them: what was simulated.
DeviceProgramBuilder::Place DeviceProgramBuilder::convert(ValueId id, const Place& from, DataType dtype) {
  const Value& value = graph_[id];
  if (!on_grid(id) || (dtype != DataType::kFloat && dtype != DataType::kInt8)) {
    throw Error(ErrorKind::kModel, "value '" + value.name + "' is needed as " + std::string(name_of(dtype)) +
                                       " but is " + std::string(name_of(from.dtype)));
  }
  const bool to_floats = from.dtype == DataType::kInt8;
  const Grid grid = result_grid(id);
  const DataType made = to_floats ? DataType::kFloat : DataType::kInt8;
  const BufferId buffer = add_buffer(id, from.order, made);
  const auto number = [](int64_t n) { return CallArg{CallArg::Kind::kNumber, static_cast<int32_t>(n)}; };
  std::vector<CallArg> args = {{CallArg::Kind::kRead, 0, static_cast<uint32_t>(from.buffer), from.offset},
                               {CallArg::Kind::kWrite, 0, static_cast<uint32_t>(buffer), 0},
                               data(value.name + "_scale", Tensor::of<float>({1}, {grid.scale})),
                               number(element_count(*value.type.shape.known_dims())),
                               number(grid.zero_point)};
  if (!to_floats) args.insert(args.end(), {number(grid.low), number(grid.high)});
  call(to_floats ? kDequantize : kQuantize, std::move(args));
  if (!to_floats && from.offset == 0) program_.calls.back().overlaps.push_back({buffer, from.buffer, false, 0});
  const Place place{buffer, 0, from.order, made};
  places_[index_of(id)].push_back(place);
  return made == dtype ? place : convert(id, place, dtype);
}

DeviceProgramBuilder::Place DeviceProgramBuilder::transpose(ValueId id, const Place& from, const Order& order) {
  const Value& value = graph_[id];
  const Dims dims = *value.type.shape.known_dims();
  constexpr size_t kAxes = 5;
  const bool is_float = from.dtype == DataType::kFloat;
  if (!is_float && from.dtype != DataType::kInt8) {
    throw Error(ErrorKind::kModel, "value '" + value.name + "' would have to be transposed");
  }
  const std::vector<int64_t> strides = strides_in(from.order, dims);
  std::vector<int64_t> extents;
  std::vector<int64_t> steps;
  for (int axis : order) {
    const int64_t extent = dims[static_cast<size_t>(axis)];
    const int64_t step = strides[static_cast<size_t>(axis)];
    if (extent == 1) continue;
    if (!steps.empty() && steps.back() == step * extent) {  // walked in one go
      extents.back() *= extent;
      steps.back() = step;
    } else {
      extents.push_back(extent);
      steps.push_back(step);
    }
  }
  if (extents.size() > kAxes)
    throw Error(ErrorKind::kModel, "value '" + value.name + "' has too many axes to transpose");
  extents.insert(extents.begin(), kAxes - extents.size(), 1);
  steps.insert(steps.begin(), kAxes - steps.size(), 0);
  const BufferId buffer = add_buffer(id, order, from.dtype);
  std::vector<CallArg> args = {{CallArg::Kind::kRead, 0, static_cast<uint32_t>(from.buffer), from.offset},
                               {CallArg::Kind::kWrite, 0, static_cast<uint32_t>(buffer), 0}};
  for (int64_t extent : extents) args.push_back({CallArg::Kind::kNumber, static_cast<int32_t>(extent)});
  for (int64_t step : steps) args.push_back({CallArg::Kind::kNumber, static_cast<int32_t>(step)});
  call(is_float ? kTransposeFloats : kTranspose, std::move(args));
  places_[index_of(id)].push_back({buffer, 0, order, from.dtype, from.rounded});
  return places_[index_of(id)].back();
}

CallArg DeviceProgramBuilder::write(ValueId id, const Order& order, DataType dtype) {
  const ValueId result = result_of(id);
  const BufferId buffer = add_buffer(result, order, dtype);
  places_[index_of(result)].push_back({buffer, 0, order, dtype, dtype == DataType::kInt8 || !on_grid(result)});
  return {CallArg::Kind::kWrite, 0, static_cast<uint32_t>(buffer), 0};
}

// Between a value on a grid and one that is not, the same floats.
void DeviceProgramBuilder::alias(ValueId from, const Order& order, ValueId to, const Order& to_order) {
  const ValueId result = result_of(to);
  const bool as_floats = on_grid(from) != on_grid(result);
  const DataType dtype = as_floats ? DataType::kFloat : stored_as(from);
  const CallArg arg = read(from, order, dtype);
  TINYC_CHECK(arg.kind == CallArg::Kind::kRead);
  places_[index_of(result)].push_back({BufferId(arg.id), arg.offset, to_order, dtype, !as_floats || !on_grid(result)});
}

CallArg DeviceProgramBuilder::scratch(int64_t bytes) {
  DeviceBuffer buffer;
  buffer.bytes = bytes;
  program_.buffers.push_back(std::move(buffer));
  return {CallArg::Kind::kScratch, 0, static_cast<uint32_t>(program_.buffers.size() - 1), 0};
}

CallArg DeviceProgramBuilder::data(const std::string& name, Tensor tensor, const WeightForm& form) {
  auto& constants = program_.constants;
  for (size_t i = 0; i < constants.size(); ++i) {
    if (constants[i].data.same_bytes(tensor)) return {CallArg::Kind::kConstant, 0, static_cast<uint32_t>(i), 0};
  }
  constants.push_back({name, std::move(tensor), form});
  return {CallArg::Kind::kConstant, 0, static_cast<uint32_t>(constants.size() - 1), 0};
}

void DeviceProgramBuilder::call(const KernelDef& kernel, std::vector<CallArg> args) {
  TINYC_CHECK(args.size() == kernel.parameters.size());
  program_.calls.push_back({&kernel, std::move(args), {}, node_});
}

void DeviceProgramBuilder::write_node(size_t idx) {
  node_ = idx;
  const Node& node = graph_.nodes[idx];
  if (fused_[idx]) return;
  with_context([&] { return describe(node); },
               [&] {
                 CodeContext context(*this, node);
                 if (node.op == nullptr) context.refuse("tinyc does not know this op");
                 if (node.op->code == nullptr) context.refuse("there is no device kernel for this op");
                 node.op->code(context);
               });
}

DevicePort DeviceProgramBuilder::port(ValueId id, const Place& place) const {
  const Value& value = graph_[id];
  DevicePort port;
  port.name = value.name;
  port.dtype = place.dtype;
  port.dims = *value.type.shape.known_dims();
  port.order = place.order;
  port.on_grid = on_grid(id);
  if (port.on_grid) port.grid = grid(id);
  port.bytes = bytes_of(value, place.dtype);
  return port;
}

// A result that has a buffer of its own is written into the caller's memory; any other is copied there.
void DeviceProgramBuilder::finish_outputs() {
  for (size_t i = 0; i < graph_.outputs.size(); ++i) {
    const ValueId id = graph_.outputs[i];
    TINYC_CHECK(!places_[index_of(id)].empty());
    if (!places_[index_of(id)].front().rounded) read(id, places_[index_of(id)].front().order, stored_as(id));
    const auto& places = places_[index_of(id)];
    Place place = *std::find_if(places.begin(), places.end(), [](const Place& p) { return p.rounded; });
    if (place.order.empty()) place.order = plain_order(graph_[id].type.shape.rank());
    const int64_t bytes = bytes_of(graph_[id], place.dtype);
    DeviceBuffer* buffer = &program_.buffers[index_of(place.buffer)];
    if (buffer->home != DeviceBuffer::Home::kArena || place.offset != 0 || buffer->bytes != bytes) {
      const CallArg from{CallArg::Kind::kRead, 0, static_cast<uint32_t>(place.buffer), place.offset};
      place.buffer = add_buffer(id, place.order, place.dtype);
      call(kCopy, {from,
                   {CallArg::Kind::kWrite, 0, static_cast<uint32_t>(place.buffer), 0},
                   {CallArg::Kind::kNumber, static_cast<int32_t>(bytes)}});
      buffer = &program_.buffers[index_of(place.buffer)];
    }
    buffer->home = DeviceBuffer::Home::kOutput;
    buffer->index = static_cast<int>(i);
    program_.outputs.push_back(port(id, place));
  }
}

DeviceProgram DeviceProgramBuilder::build() {
  for (const Node& node : graph_.nodes) program_.nodes.push_back(node.name + " (" + op_name(node) + ")");
  for (size_t i = 0; i < graph_.inputs.size(); ++i) add_input(i);
  for (size_t i = 0; i < graph_.nodes.size(); ++i) write_node(i);
  finish_outputs();
  for (ValueId id : graph_.inputs) {
    Place& place = places_[index_of(id)].front();
    if (place.order.empty()) place.order = plain_order(graph_[id].type.shape.rank());
    program_.inputs.push_back(port(id, place));
  }
  plan_arena(program_);
  program_.graph = std::move(graph_);
  return std::move(program_);
}

DeviceProgram make_device_program(const Graph& graph, const DeviceOptions& options) {
  return DeviceProgramBuilder(graph, options).build();
}

}  // namespace tinyc
