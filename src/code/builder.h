// Builds a device program: where each value lies, in which order and type, and the calls that bring it there.
#pragma once

#include <optional>
#include <vector>

#include "tinyc/code/program.h"

namespace tinyc {

class DeviceProgramBuilder {
 public:
  DeviceProgramBuilder(const Graph& graph, const DeviceOptions& options);

  DeviceProgram build();

  // For CodeContext.
  const Graph& graph() const { return graph_; }
  const DeviceOptions& options() const { return options_; }
  const Value& value(ValueId id) const { return graph_[id]; }
  const QParams* params(ValueId id) const;
  bool on_grid(ValueId id) const;
  Grid grid(ValueId id) const;
  // The annotated value that is written in place of a node's result: itself, or what its fused clamp makes.
  ValueId result_of(ValueId id) const { return result_of_[index_of(id)]; }
  Grid result_grid(ValueId id) const;
  Order order_of(ValueId id, const Order& wanted);
  CallArg read(ValueId id, const Order& order, DataType dtype);
  CallArg write(ValueId id, const Order& order, DataType dtype);
  void alias(ValueId from, const Order& order, ValueId to, const Order& to_order);
  CallArg scratch(int64_t bytes);
  CallArg data(const std::string& name, Tensor tensor, const WeightForm& form = {});
  void call(const KernelDef& kernel, std::vector<CallArg> args);
  KernelCall& last_call() { return program_.calls.back(); }

 private:
  // Where a value can be read.
  struct Place {
    BufferId buffer{};
    int64_t offset = 0;
    Order order;
    DataType dtype = DataType::kInt8;
    bool rounded = true;  // false: floats of a value on a grid, before they are brought to it
  };

  void find_clamps();
  void add_input(size_t idx);
  void write_node(size_t idx);
  void finish_outputs();
  DevicePort port(ValueId id, const Place& place) const;
  BufferId add_buffer(ValueId id, const Order& order, DataType dtype);
  Tensor ordered_constant(ValueId id, const Order& order, DataType dtype) const;
  const Place* find(ValueId id, const Order& order, DataType dtype) const;
  Place convert(ValueId id, const Place& from, DataType dtype);
  DataType stored_as(ValueId id) const { return on_grid(id) ? DataType::kInt8 : device_dtype(graph_[id].type.dtype); }
  Place transpose(ValueId id, const Place& from, const Order& order);

  Graph graph_;
  DeviceOptions options_;
  DeviceProgram program_;
  Uses uses_;
  size_t node_ = 0;                         // whose code is being written
  std::vector<std::vector<Place>> places_;  // by value
  std::vector<ValueId> result_of_;          // by value
  std::vector<bool> fused_;                 // by node: a clamp that its producer applies
  struct Limits {
    float low, high;
  };
  std::vector<std::optional<Limits>> limits_;  // by value: the fused clamp that makes it
};

// Flatten in front of a product with constant weights keeps channels last (src/code/absorb_flatten.cpp). Types of the
// graph are known.
void absorb_flatten(Graph& graph);

// Gives every arena buffer of the program its offset, and the program its arena size (src/code/arena.cpp).
void plan_arena(DeviceProgram& program);

}  // namespace tinyc
