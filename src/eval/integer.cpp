// Samples go through a device program one by one: values are put on the grids of the inputs and into the order in which
// the device has them, and come back the same way.
#include "tinyc/eval/integer.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"

namespace tinyc {
namespace {

// The grid as the device has it: int8; none where the device has floats.
QParams device_params(const Value& value) {
  const auto* params = linear_params(value);
  if (params == nullptr || params->scales.size() != 1 || bits_of(params->storage) > 8) return {};
  QParams shifted = *params;
  if (is_signed_integer(shifted.storage)) return shifted;
  shifted.storage = DataType::kInt8;
  for (int32_t& zero_point : shifted.zero_points) zero_point -= 128;
  shifted.q_min -= 128;
  shifted.q_max -= 128;
  return shifted;
}

Dims single_sample(const Shape& shape) {
  Dims dims;
  for (int i = 0; i < shape.rank(); ++i) dims.push_back(shape[i].known() ? shape[i].value : 1);
  return dims;
}

// Integers as another type.
Tensor converted(const Tensor& tensor, DataType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  const std::vector<int64_t> values = tensor.to_int64();
  if (dtype == DataType::kInt64) return Tensor::of<int64_t>(tensor.dims(), values);
  TINYC_CHECK(dtype == DataType::kInt32);
  return Tensor::of<int32_t>(tensor.dims(), std::vector<int32_t>(values.begin(), values.end()));
}

}  // namespace

DeviceLayout::DeviceLayout(const Graph& graph, ValueId id, const Order& order)
    : dims_(single_sample(graph[id].type.shape)), params_(device_params(graph[id])) {
  value_dtype_ = graph[id].type.dtype;
  dtype_ = params_.scales.empty() ? device_dtype(value_dtype_) : DataType::kInt8;
  const Dims memory = ordered(dims_, order);
  Dims strides(dims_.size(), 1);
  for (size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * dims_[i];
  std::vector<int64_t> at(memory.size(), 0);
  for (int64_t i = 0; i < element_count(dims_); ++i) {
    int64_t place = 0;
    for (size_t k = 0; k < memory.size(); ++k) place += at[k] * strides[static_cast<size_t>(order[k])];
    places_.push_back(static_cast<size_t>(place));
    for (size_t k = memory.size(); k-- > 0 && ++at[k] == memory[k];) at[k] = 0;
  }
}

Tensor DeviceLayout::to_device(const Tensor& values, int64_t idx) const {
  const Tensor stored = params_.scales.empty() ? converted(values, dtype_) : quantize(values, params_);
  Tensor result = Tensor::zeros(dtype_, dims_);
  const size_t bytes = result.byte_size() / std::max<size_t>(places_.size(), 1);
  const std::byte* sample = stored.bytes() + static_cast<size_t>(idx) * result.byte_size();
  std::byte* to = result.mutable_bytes();
  for (size_t i = 0; i < places_.size(); ++i) std::memcpy(to + i * bytes, sample + places_[i] * bytes, bytes);
  return result;
}

void DeviceLayout::from_device(const void* bytes, Tensor& stored, int64_t idx) const {
  const auto size = static_cast<size_t>(byte_count(dtype_, dims_));
  const size_t each = size / std::max<size_t>(places_.size(), 1);
  std::byte* sample = stored.mutable_bytes() + static_cast<size_t>(idx) * size;
  const auto* from = static_cast<const std::byte*>(bytes);
  for (size_t i = 0; i < places_.size(); ++i) std::memcpy(sample + places_[i] * each, from + i * each, each);
}

Tensor DeviceLayout::make(int64_t samples) const {
  Dims dims = dims_;
  if (samples > 1) {
    if (dims.empty()) dims.push_back(1);
    dims[0] *= samples;
  }
  return Tensor::zeros(dtype_, std::move(dims));
}

Tensor DeviceLayout::to_values(const Tensor& stored) const {
  return params_.scales.empty() ? converted(stored, value_dtype_) : dequantize(stored, params_);
}

std::vector<Tensor> to_device(const Graph& graph, const DeviceProgram& program, std::span<const Tensor> inputs) {
  std::vector<Tensor> stored;
  for (size_t i = 0; i < inputs.size(); ++i) {
    stored.push_back(DeviceLayout(graph, graph.inputs[i], program.inputs[i].order).to_device(inputs[i], 0));
  }
  return stored;
}

IntegerProgram::IntegerProgram(const Graph& graph) : program_(make_device_program(graph)) {
  const Graph& closed = program_.graph;
  for (size_t i = 0; i < closed.inputs.size(); ++i) {
    inputs_.emplace_back(closed, closed.inputs[i], program_.inputs[i].order);
  }
  for (size_t i = 0; i < closed.outputs.size(); ++i) {
    outputs_.emplace_back(closed, closed.outputs[i], program_.outputs[i].order);
  }
  for (const DeviceBuffer& buffer : program_.buffers) {
    const bool whole =
        buffer.value != kNoValue && buffer.order.size() == static_cast<size_t>(closed[buffer.value].type.shape.rank());
    buffers_.push_back(whole ? DeviceLayout(closed, buffer.value, buffer.order) : DeviceLayout());
    last_writes_.push_back(buffer.last_write);
  }
}

std::vector<Tensor> IntegerProgram::run(std::span<const Tensor> inputs, const std::vector<bool>& observed,
                                        const Observer& observer) const {
  const int64_t count = inputs.empty() ? 0 : element_count(inputs_[0].dims());
  const int64_t samples = count == 0 ? 1 : inputs[0].size() / count;
  const auto arena = allocate_bytes(static_cast<size_t>(std::max<int64_t>(program_.arena_bytes, 1)));
  std::vector<Tensor> results;
  std::vector<Tensor> last;  // the device's own output buffers
  std::vector<void*> targets;
  for (const DeviceLayout& output : outputs_) {
    results.push_back(output.make(samples));
    last.push_back(output.make(1));
  }
  for (Tensor& tensor : last) targets.push_back(tensor.mutable_bytes());
  // The program may have values that the graph it was made from has not.
  const auto is_observed = [&](ValueId id) { return index_of(id) < observed.size() && observed[index_of(id)]; };
  std::map<size_t, Tensor> seen;  // by buffer
  for (int64_t sample = 0; sample < samples; ++sample) {
    std::vector<Tensor> stored;
    std::vector<const void*> sources;
    for (size_t i = 0; i < inputs.size(); ++i) stored.push_back(inputs_[i].to_device(inputs[i], sample));
    for (const Tensor& tensor : stored) sources.push_back(tensor.bytes());
    WriteObserver watch;
    if (observer) {
      watch = [&](BufferId id, size_t call, const void* bytes) {
        const size_t idx = index_of(id);
        const DeviceLayout& layout = buffers_[idx];
        if (!layout.defined() || last_writes_[idx] != call || !is_observed(program_.buffers[idx].value)) return;
        const auto found = seen.try_emplace(idx, layout.make(samples)).first;
        layout.from_device(bytes, found->second, sample);
      };
    }
    run_device_program(program_, sources, targets, arena.get(), watch);
    for (size_t i = 0; i < results.size(); ++i) outputs_[i].from_device(targets[i], results[i], sample);
  }
  for (const auto& [idx, stored] : seen) observer(program_.buffers[idx].value, buffers_[idx].to_values(stored));
  for (size_t i = 0; i < results.size(); ++i) results[i] = outputs_[i].to_values(results[i]);
  return results;
}

}  // namespace tinyc
