// The evaluator: runs a graph on the host.
//
// A Program is built once for a graph. For each combination of input dims it makes a plan: all types inferred, kernels
// prepared (weights packed), memory for intermediate values laid out with reuse. Nodes whose dims depend on data are
// inferred and allocated while they run. A Program may be used by several threads at once, each with its own Workspace.
//
// Numbers: the bits of one sample depend on that sample and its dims only, never on batch, threads or other samples.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

enum class Engine {
  kFloat,      // as imported; annotations are ignored, packed constants are read as the floats they stand for
  kSimulated,  // every annotated value is rounded to its grid: what an integer runtime computes, in float
  kInteger,    // the kernels that the C emitter emits, sample by sample: bit for bit what a device computes
};

class Program;

// Memory that one thread needs to run Programs; reused between runs.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  struct Impl;
  std::unique_ptr<Impl> impl;
};

class Program {
 public:
  struct Options {
    Engine engine = Engine::kFloat;
    // Values to hand to the observer of run(): kept distinct (nothing is fused over them). Empty: none.
    std::vector<ValueId> observed;
  };
  // Called with each observed value as soon as it is computed; the tensor is valid during the call only.
  using Observer = std::function<void(ValueId id, const Tensor& tensor)>;

  explicit Program(const Graph& graph) : Program(graph, Options()) {}
  Program(const Graph& graph, Options options);  // keeps a copy of the graph
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

  // `inputs` in the order of graph.inputs; dtypes and known dims must fit, else Error(kUsage) that names the input.
  // Returns tensors in the order of graph.outputs, with buffers of their own.
  std::vector<Tensor> run(std::span<const Tensor> inputs, Workspace& workspace, const Observer& observer = {}) const;

  const Graph& graph() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tinyc
