// The integer engine: a device program run on the host, between float tensors.
#pragma once

#include <span>
#include <vector>

#include "tinyc/code/program.h"

namespace tinyc {

class IntegerProgram {
 public:
  // Throws Error(kModel) naming the node that has no device kernel.
  explicit IntegerProgram(const Graph& graph);

  // `inputs` as Program::run takes them. Axis 0 of every input counts samples, which are run one after the other, and
  // the results are put together along axis 0.
  std::vector<Tensor> run(std::span<const Tensor> inputs) const;

 private:
  DeviceProgram program_;
  std::vector<QParams> input_params_, output_params_;  // empty scales: not on a grid
};

// The inputs of one sample, as floats, in the bytes that the device takes.
std::vector<Tensor> to_device(const Graph& graph, const DeviceProgram& program, std::span<const Tensor> inputs);

}  // namespace tinyc
