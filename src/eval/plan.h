// The plan of a program for given input dims: what runs, in which memory.
//
// A value's storage is known when the plan is made: a constant, an input, a place in the arena, a view of another
// value, or, where its dims depend on data, a buffer that is made while the program runs. Views and clamps that a
// kernel takes along (Relu after Conv) are not run at all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tinyc/eval/program.h"
#include "tinyc/ops/op.h"

namespace tinyc {

enum class Storage : uint8_t {
  kUnused,  // nothing reads or makes it, or a kernel keeps it to itself
  kConstant,
  kInput,
  kArena,
  kView,  // the bytes of `root`
  kDynamic,
};

struct Residence {
  Storage storage = Storage::kUnused;
  ValueId root = kNoValue;  // kView: a value that is no view
  size_t offset = 0;        // kArena
};

// Who reads a value: an operand of a step.
struct Reader {
  size_t step;
  size_t operand;
};

struct Step {
  bool runs = true;               // false: a view, or part of the step before
  bool fixed = false;             // the types of all its outputs are known
  Kernel kernel;                  // empty: the op's reference
  std::vector<ValueId> outputs;   // the node's, or those of the clamp it takes along
  std::vector<ValueId> released;  // dynamic values that nobody reads afterwards
};

struct TypeOfInput {
  DataType dtype;
  Dims dims;
};

struct Plan {
  std::vector<TypeOfInput> inputs;
  std::vector<TensorType> types;             // by value
  std::vector<Residence> residences;         // by value
  std::vector<std::vector<Reader>> readers;  // by value
  std::vector<std::vector<ValueId>> views;   // by value: its views
  std::vector<Step> steps;                   // by node
  size_t arena_bytes = 0;
};

// `constants` by value: what the engine computes with. `params_of(id)`: the grid that the value is rounded to, or null.
struct PlanRequest {
  const Graph& graph;
  std::span<const Tensor> constants;
  const std::vector<bool>& observed;
  bool rounds = false;  // values with QParams are rounded to their grid
};
std::shared_ptr<const Plan> make_plan(const PlanRequest& request, std::vector<TypeOfInput> inputs);

}  // namespace tinyc
