// A device program: an annotated, packed graph as calls of the kernels in src/rt, with constants and a plan of the
// memory. The integer engine runs it, the C emitter prints it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tinyc/ir/graph.h"
#include "tinyc/ops/code.h"

namespace tinyc {

struct DeviceBuffer {
  enum class Home : uint8_t { kArena, kInput, kOutput };  // the last two are the caller's memory
  std::string name;                                       // of the value; empty for scratch
  ValueId value = kNoValue;                               // that it holds as it is stored, in `order`; none for scratch
  Order order;
  int64_t bytes = 0;
  Home home = Home::kArena;
  int index = 0;          // which input or output
  int64_t offset = 0;     // in the arena, once planned; a multiple of kArenaAlignment
  size_t first_call = 0;  // alive from this call
  size_t last_call = 0;   // to this one
  size_t last_write = 0;  // complete after this one
};
inline constexpr int64_t kArenaAlignment = 16;

struct DeviceConstant {
  std::string name;  // "conv1_weights", a C identifier
  Tensor data;
  WeightForm form;
};

// How a value that is on no grid is stored: as it is computed, but what the model counts with, int64, is int32.
constexpr DataType device_dtype(DataType dtype) {
  return dtype == DataType::kInt64 ? DataType::kInt32 : dtype;
}

// A model input or output as the device has it.
struct DevicePort {
  std::string name;
  DataType dtype = DataType::kInt8;  // of the bytes; int8 for values on a grid
  Dims dims;                         // of the value, batch 1
  Order order;                       // how they lie in memory
  bool on_grid = false;
  Grid grid;
  int64_t bytes = 0;
};

struct DeviceProgram {
  std::string name;
  Graph graph;                     // what it computes, every dim closed
  std::vector<std::string> nodes;  // by node of the graph: name and op, for comments and reports
  std::vector<DeviceBuffer> buffers;
  std::vector<DeviceConstant> constants;
  std::vector<KernelCall> calls;
  std::vector<DevicePort> inputs;
  std::vector<DevicePort> outputs;
  int64_t arena_bytes = 0;
};

struct DeviceOptions {
  bool plain_inputs = false;                 // images come as the model has them (NCHW) instead of channels-last
  bool pack_weights = true;                  // weights of at most 4 bits are stored as such; else as int8
  std::vector<const CoderDef*> coders = {};  // weights are stored by one of these where that takes fewer bytes
  // By node, instead: where any node is named, the weights of the others are not coded.
  std::map<std::string, std::vector<const CoderDef*>, std::less<>> layer_coders = {};
};

// The graph with annotations and packed constants; open dims become 1. Throws Error(kModel) naming the node that cannot
// be run on a device, and why.
DeviceProgram make_device_program(const Graph& graph, const DeviceOptions& options = {});

// Told after each call, for each buffer that it wrote to.
using WriteObserver = std::function<void(BufferId buffer, size_t call, const void* bytes)>;

// Runs it on the host. One pointer per input and output, `arena` of arena_bytes, 16-byte aligned.
void run_device_program(const DeviceProgram& program, std::span<const void* const> inputs,
                        std::span<void* const> outputs, void* arena, const WriteObserver& observer = {});

}  // namespace tinyc
