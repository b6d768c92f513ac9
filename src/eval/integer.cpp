// Samples go through a device program one by one: values are put on the grids of the inputs and into the order in which
// the device has them, and come back the same way.
#include "tinyc/eval/integer.h"

#include <algorithm>
#include <cstring>

#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"

namespace tinyc {
namespace {

QParams params_of(const Graph& graph, ValueId id) {
  const auto* params = graph[id].quant ? std::get_if<QParams>(&*graph[id].quant) : nullptr;
  return params != nullptr ? *params : QParams();
}

// The grid as the device has it: int8.
QParams device_params(const QParams& params) {
  QParams shifted = params;
  if (is_signed_integer(params.storage)) return shifted;
  shifted.storage = DataType::kInt8;
  shifted.zero_points[0] -= 128;
  shifted.q_min -= 128;
  shifted.q_max -= 128;
  return shifted;
}

// For each element in memory order, its place in C order.
std::vector<size_t> places_in_order(const DevicePort& port) {
  const Dims memory = ordered(port.dims, port.order);
  Dims strides(port.dims.size(), 1);
  for (size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * port.dims[i];
  std::vector<size_t> places;
  std::vector<int64_t> at(memory.size(), 0);
  const int64_t count = element_count(port.dims);
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = 0;
    for (size_t k = 0; k < memory.size(); ++k) place += at[k] * strides[static_cast<size_t>(port.order[k])];
    places.push_back(static_cast<size_t>(place));
    for (size_t k = memory.size(); k-- > 0 && ++at[k] == memory[k];) at[k] = 0;
  }
  return places;
}

// Elements of a sample into memory order (or back).
void reorder(const DevicePort& port, const std::byte* from, std::byte* to, bool to_device) {
  const std::vector<size_t> places = places_in_order(port);
  const size_t bytes = places.empty() ? 0 : static_cast<size_t>(port.bytes) / places.size();
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t source = to_device ? places[i] : i;
    const size_t target = to_device ? i : places[i];
    std::memcpy(to + target * bytes, from + source * bytes, bytes);
  }
}

}  // namespace

std::vector<Tensor> to_device(const Graph& graph, const DeviceProgram& program, std::span<const Tensor> inputs) {
  std::vector<Tensor> stored;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const DevicePort& port = program.inputs[i];
    const Tensor bytes =
        port.on_grid ? quantize(inputs[i], device_params(params_of(graph, graph.inputs[i]))) : inputs[i];
    Tensor ordered_bytes = Tensor::zeros(port.dtype, ordered(port.dims, port.order));
    reorder(port, bytes.bytes(), ordered_bytes.mutable_bytes(), true);
    stored.push_back(std::move(ordered_bytes));
  }
  return stored;
}

IntegerProgram::IntegerProgram(const Graph& graph) : program_(make_device_program(graph)) {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    input_params_.push_back(program_.inputs[i].on_grid ? device_params(params_of(graph, graph.inputs[i])) : QParams());
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    output_params_.push_back(program_.outputs[i].on_grid ? device_params(params_of(graph, graph.outputs[i]))
                                                         : QParams());
  }
}

std::vector<Tensor> IntegerProgram::run(std::span<const Tensor> inputs) const {
  int64_t samples = 1;
  std::vector<Tensor> stored;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int64_t count = element_count(program_.inputs[i].dims);
    samples = count == 0 ? 1 : std::max<int64_t>(samples, inputs[i].size() / count);
    stored.push_back(program_.inputs[i].on_grid ? quantize(inputs[i], input_params_[i]) : inputs[i]);
  }
  std::vector<Tensor> results;
  for (const DevicePort& port : program_.outputs) {
    Dims dims = port.dims;
    if (samples > 1) dims[0] *= samples;
    results.push_back(Tensor::zeros(port.dtype, std::move(dims)));
  }
  const auto arena = allocate_bytes(static_cast<size_t>(std::max<int64_t>(program_.arena_bytes, 1)));
  std::vector<std::shared_ptr<std::byte>> memory;
  for (const DevicePort& port : program_.inputs) memory.push_back(allocate_bytes(static_cast<size_t>(port.bytes)));
  for (const DevicePort& port : program_.outputs) memory.push_back(allocate_bytes(static_cast<size_t>(port.bytes)));
  std::vector<const void*> sources;
  std::vector<void*> targets;
  for (size_t i = 0; i < memory.size(); ++i) {
    if (i < program_.inputs.size()) {
      sources.push_back(memory[i].get());
    } else {
      targets.push_back(memory[i].get());
    }
  }
  for (int64_t sample = 0; sample < samples; ++sample) {
    for (size_t i = 0; i < sources.size(); ++i) {
      const DevicePort& port = program_.inputs[i];
      reorder(port, stored[i].bytes() + sample * port.bytes, memory[i].get(), true);
    }
    run_device_program(program_, sources, targets, arena.get());
    for (size_t i = 0; i < targets.size(); ++i) {
      const DevicePort& port = program_.outputs[i];
      reorder(port, memory[program_.inputs.size() + i].get(), results[i].mutable_bytes() + sample * port.bytes, false);
    }
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (program_.outputs[i].on_grid) results[i] = dequantize(results[i], output_params_[i]);
  }
  return results;
}

}  // namespace tinyc
