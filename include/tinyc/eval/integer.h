// The integer engine: a device program run on the host, between float tensors.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "tinyc/code/program.h"

namespace tinyc {

// How a value lies in a buffer of a device program, for going to floats and back.
class DeviceLayout {
 public:
  DeviceLayout() = default;
  DeviceLayout(const Graph& graph, ValueId id, const Order& order);

  bool defined() const { return dtype_ != DataType::kUndefined; }
  const Dims& dims() const { return dims_; }  // of one sample, as the model has them
  DataType dtype() const { return dtype_; }   // of the bytes
  // Sample `idx` of a tensor of the model, as the device has it.
  Tensor to_device(const Tensor& values, int64_t idx) const;
  // The way back, into a sample of a tensor of the same bytes in the model's order.
  void from_device(const void* bytes, Tensor& stored, int64_t idx) const;
  // A tensor for so many samples, and the values that it stands for.
  Tensor make(int64_t samples) const;
  Tensor to_values(const Tensor& stored) const;

 private:
  Dims dims_;
  DataType dtype_ = DataType::kUndefined;
  DataType value_dtype_ = DataType::kUndefined;
  QParams params_;              // the grid, as int8; no scales: the value is not on one
  std::vector<size_t> places_;  // by element in memory: where it is in C order
};

class IntegerProgram {
 public:
  // Throws Error(kModel) naming the node that has no device kernel.
  explicit IntegerProgram(const Graph& graph);

  // Told the values of all samples together, for each value that has a buffer and is in `observed` (by value).
  using Observer = std::function<void(ValueId id, const Tensor& tensor)>;
  // `inputs` as Program::run takes them. Axis 0 of every input counts samples, which are run one after the other, and
  // the results are put together along axis 0.
  std::vector<Tensor> run(std::span<const Tensor> inputs, const std::vector<bool>& observed,
                          const Observer& observer) const;

 private:
  DeviceProgram program_;
  std::vector<DeviceLayout> inputs_, outputs_;
  std::vector<DeviceLayout> buffers_;  // undefined for scratch
  std::vector<size_t> last_writes_;    // by buffer: the call after which it is complete
};

// The inputs of one sample, as floats, in the bytes that the device takes.
std::vector<Tensor> to_device(const Graph& graph, const DeviceProgram& program, std::span<const Tensor> inputs);

}  // namespace tinyc
