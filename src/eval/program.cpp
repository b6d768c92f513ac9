// Running a program: the plan says what and where (plan.h); here the tensors are bound to a workspace's memory once,
// and a run is a walk over the steps. With all dims known nothing is allocated but the results.
#include "tinyc/eval/program.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "eval/plan.h"
#include "tinyc/base/error.h"
#include "tinyc/eval/integer.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/infer.h"

namespace tinyc {
namespace {

constexpr size_t kMaxPlans = 8;  // that a program keeps
constexpr size_t kMaxBound = 4;  // that a workspace keeps memory for

// A plan and the memory it runs in.
struct BoundPlan {
  uint64_t program = 0;  // Program::Impl::serial
  std::shared_ptr<const Plan> plan;
  std::shared_ptr<std::byte> arena;
  std::vector<Tensor> values;                                             // by value
  std::vector<std::vector<Tensor>> operands;                              // by step
  std::vector<std::vector<Tensor>> outputs;                               // by step
  std::map<size_t, std::pair<std::vector<TensorType>, Kernel>> prepared;  // by step whose dims depend on data: the last

  bool in_arena(const Tensor& tensor) const {
    const std::byte* const place = tensor.bytes();
    return arena != nullptr && place >= arena.get() && place < arena.get() + plan->arena_bytes;
  }
  // Makes `tensor` what readers of the value, and of its views, see.
  void publish(ValueId id, const Tensor& tensor) {
    values[index_of(id)] = tensor;
    for (const Reader& reader : plan->readers[index_of(id)]) operands[reader.step][reader.operand] = tensor;
    if (!tensor.defined()) return;
    for (ValueId view : plan->views[index_of(id)]) {
      publish(view, tensor.reshaped(*plan->types[index_of(view)].shape.known_dims()));
    }
  }
};

// The floats that a constant stands for, rounded to its grid where the engine asks for it.
Tensor computed_constant(const Value& value, Engine engine) {
  const auto* params = linear_params(value);
  if (params == nullptr) return *value.constant;
  if (value.constant->dtype() != value.type.dtype) return dequantize(*value.constant, *params);
  if (engine == Engine::kFloat) return *value.constant;
  return dequantize(quantize(*value.constant, *params), *params);
}

void check_inputs(const Graph& graph, std::span<const Tensor> inputs) {
  TINYC_CHECK(inputs.size() == graph.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = graph[graph.inputs[i]];
    const Shape& shape = value.type.shape;
    // Inputs of subgraphs need not say what they are.
    const bool same_dtype = value.type.dtype == DataType::kUndefined || inputs[i].dtype() == value.type.dtype;
    bool fits = same_dtype && (!shape.ranked() || shape.rank() == inputs[i].rank());
    for (int d = 0; fits && shape.ranked() && d < shape.rank(); ++d) {
      fits = !shape[d].known() || shape[d].value == inputs[i].dims()[static_cast<size_t>(d)];
    }
    if (!fits) {
      throw Error(ErrorKind::kUsage, "input '" + value.name + "' is " + to_string(value.type) + " but was given " +
                                         to_string(inputs[i].type()));
    }
  }
}

bool is_for(const Plan& plan, std::span<const Tensor> inputs) {
  return std::equal(plan.inputs.begin(), plan.inputs.end(), inputs.begin(), inputs.end(),
                    [](const TypeOfInput& type, const Tensor& tensor) {
                      return type.dtype == tensor.dtype() && type.dims == tensor.dims();
                    });
}

Tensor copy_of(const Tensor& tensor) {
  auto bytes = allocate_bytes(tensor.byte_size());
  std::copy_n(tensor.bytes(), tensor.byte_size(), bytes.get());
  return {tensor.dtype(), tensor.dims(), std::move(bytes), tensor.byte_size()};
}

BoundPlan bind(uint64_t program, const Graph& graph, std::shared_ptr<const Plan> plan,
               std::span<const Tensor> constants, std::shared_ptr<std::byte> arena) {
  BoundPlan bound;
  bound.program = program;
  bound.plan = std::move(plan);
  bound.arena = std::move(arena);
  bound.values.resize(graph.values.size());
  for (const Node& node : graph.nodes) {
    bound.operands.emplace_back(node.inputs.size());
    bound.outputs.emplace_back(node.outputs.size());
  }
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Residence& residence = bound.plan->residences[i];
    const ValueId id{static_cast<uint32_t>(i)};
    if (residence.storage == Storage::kConstant) bound.publish(id, constants[i]);
    if (residence.storage != Storage::kArena) continue;
    const TensorType& type = bound.plan->types[i];
    Dims dims = *type.shape.known_dims();
    const auto bytes = static_cast<size_t>(byte_count(type.dtype, dims));
    bound.publish(id, {type.dtype, std::move(dims),
                       std::shared_ptr<const std::byte>(bound.arena, bound.arena.get() + residence.offset), bytes});
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::vector<ValueId>& outputs = bound.plan->steps[i].outputs;
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (outputs[k] != kNoValue) bound.outputs[i][k] = bound.values[index_of(outputs[k])];
    }
  }
  return bound;
}

}  // namespace

struct Workspace::Impl {
  std::vector<std::byte> scratch;
  std::shared_ptr<std::byte> arena;  // one for all plans: only one runs at a time
  size_t arena_bytes = 0;
  std::vector<std::unique_ptr<BoundPlan>> bound;  // the most recently used last
  std::map<const Graph*, Workspace> subgraphs;
};

Workspace::Workspace() : impl(std::make_unique<Impl>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

struct Program::Impl {
  uint64_t serial = 0;  // unlike that of any other program of this process
  Graph graph;
  Options options;
  std::vector<Tensor> constants;            // by value; what the engine computes with
  std::vector<bool> observed;               // by value
  std::unique_ptr<IntegerProgram> integer;  // of the integer engine, which needs nothing of what follows
  std::mutex mutex;                         // guards what follows
  std::vector<std::shared_ptr<const Plan>> plans;
  std::map<const Graph*, std::unique_ptr<Program>> subprograms;

  const QParams* params_of(ValueId value) const {
    return options.engine == Engine::kSimulated ? linear_params(graph[value]) : nullptr;
  }

  std::shared_ptr<const Plan> plan_for(std::span<const Tensor> inputs) {
    const std::lock_guard lock(mutex);
    for (const auto& plan : plans) {
      if (is_for(*plan, inputs)) return plan;
    }
    std::vector<TypeOfInput> types;
    for (const Tensor& input : inputs) types.push_back({input.dtype(), input.dims()});
    if (plans.size() == kMaxPlans) plans.erase(plans.begin());
    plans.push_back(make_plan({graph, constants, observed, options.engine == Engine::kSimulated}, std::move(types)));
    return plans.back();
  }

  BoundPlan& bound_for(std::span<const Tensor> inputs, Workspace::Impl& workspace) {
    auto& all = workspace.bound;
    const auto found = std::find_if(all.begin(), all.end(), [&](const std::unique_ptr<BoundPlan>& bound) {
      return bound->program == serial && is_for(*bound->plan, inputs);
    });
    if (found != all.end()) {
      std::rotate(found, found + 1, all.end());
      return *all.back();
    }
    if (all.size() == kMaxBound) all.erase(all.begin());
    const std::shared_ptr<const Plan> plan = plan_for(inputs);
    if (workspace.arena_bytes < plan->arena_bytes) {
      all.clear();
      workspace.arena.reset();
      workspace.arena = allocate_bytes(plan->arena_bytes);
      workspace.arena_bytes = plan->arena_bytes;
    }
    all.push_back(std::make_unique<BoundPlan>(bind(serial, graph, plan, constants, workspace.arena)));
    return *all.back();
  }

  const Program& subprogram(const Graph& subgraph) {
    const std::lock_guard lock(mutex);
    auto& program = subprograms[&subgraph];
    if (program == nullptr) program = std::make_unique<Program>(subgraph, Options{options.engine, {}});
    return *program;
  }

  // The value is rounded where the engine says so, and handed to its observer.
  void finish(ValueId value, Tensor& tensor, const Observer& observer) const {
    if (const QParams* params = params_of(value)) {
      round_to_grid(tensor.mutable_data<float>(), tensor.dims(), *params);
    }
    if (observer && observed[index_of(value)]) observer(value, tensor);
  }

  void run_step(size_t i, BoundPlan& bound, Workspace::Impl& workspace, const EvalContext::RunSubgraph& run_subgraph,
                const Observer& observer) const;
  void compute_fixed(size_t i, BoundPlan& bound, EvalContext& context) const;
  void compute_dynamic(size_t i, BoundPlan& bound, EvalContext& context) const;
};

// Outputs have their places. An op that sets another buffer instead (because it passes an operand on) is copied there.
void Program::Impl::compute_fixed(size_t i, BoundPlan& bound, EvalContext& context) const {
  const Step& step = bound.plan->steps[i];
  step.kernel ? step.kernel(context) : graph.nodes[i].op->eval(context);
  for (size_t k = 0; k < step.outputs.size(); ++k) {
    if (step.outputs[k] == kNoValue) continue;
    Tensor& output = bound.outputs[i][k];
    Tensor& place = bound.values[index_of(step.outputs[k])];
    if (output.bytes() == place.bytes()) continue;
    const Tensor passed_on = std::exchange(output, place);
    TINYC_CHECK(passed_on.dtype() == place.dtype() && passed_on.dims() == place.dims());
    std::copy_n(passed_on.bytes(), passed_on.byte_size(), place.mutable_bytes());
  }
}

// Infers with all operands known, allocates, and prepares the kernel unless the dims are those of the last time.
void Program::Impl::compute_dynamic(size_t i, BoundPlan& bound, EvalContext& context) const {
  const Node& node = graph.nodes[i];
  std::vector<Tensor>& outputs = bound.outputs[i];
  std::vector<InferContext::Known> known;
  std::vector<TensorType> types, output_types;
  std::vector<const Tensor*> constant_operands;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const Tensor& operand = bound.operands[i][k];
    types.push_back(operand.defined() ? operand.type() : TensorType());
    known.push_back({types.back(), operand.defined() ? &operand : nullptr, {}});
    const bool constant = node.inputs[k] != kNoValue && graph[node.inputs[k]].constant;
    constant_operands.push_back(constant ? &constants[index_of(node.inputs[k])] : nullptr);
  }
  bool fixed = true;
  const std::vector<InferContext::Known> inferred = infer_node(graph, node, std::move(known));
  for (size_t k = 0; k < outputs.size(); ++k) {
    const std::optional<Dims> dims = inferred[k].type.shape.known_dims();
    const bool allocated = dims && bits_of(inferred[k].type.dtype) != 0;
    outputs[k] = allocated ? Tensor::zeros(inferred[k].type.dtype, *dims) : Tensor();
    fixed = fixed && (allocated || node.outputs[k] == kNoValue);
    output_types.push_back(inferred[k].type);
  }
  if (!fixed || node.op->prepare == nullptr) return node.op->eval(context);
  auto& [prepared_for, kernel] = bound.prepared[i];
  if (prepared_for != types) {
    kernel = node.op->prepare({node, types, output_types, constant_operands});
    prepared_for = types;
  }
  kernel ? kernel(context) : node.op->eval(context);
}

void Program::Impl::run_step(size_t i, BoundPlan& bound, Workspace::Impl& workspace,
                             const EvalContext::RunSubgraph& run_subgraph, const Observer& observer) const {
  const Node& node = graph.nodes[i];
  const Step& step = bound.plan->steps[i];
  if (!step.runs) {  // a view that somebody may want to see, or the second half of the step before
    for (ValueId id : step.outputs) {
      const bool view = id != kNoValue && bound.plan->residences[index_of(id)].storage == Storage::kView;
      if (view && observer && observed[index_of(id)]) observer(id, bound.values[index_of(id)]);
    }
    return;
  }
  if (node.op == nullptr) {
    throw Error(ErrorKind::kModel, describe(node) + ": tinyc cannot run this op",
                "it can be kept in a compressed model, but not calibrated through or evaluated");
  }
  with_context([&] { return describe(node); },
               [&] {
                 EvalContext context(node, bound.operands[i], bound.outputs[i], workspace.scratch, run_subgraph);
                 step.fixed ? compute_fixed(i, bound, context) : compute_dynamic(i, bound, context);
               });
  for (size_t k = 0; k < step.outputs.size(); ++k) {
    const ValueId id = step.outputs[k];
    if (id == kNoValue) continue;
    Tensor& output = bound.outputs[i][k];
    if (!step.fixed) {
      // What an op passes on may be overwritten before this value's last reader, or be rounded here.
      if (bound.in_arena(output) || (params_of(id) != nullptr && node.op->is_view)) output = copy_of(output);
      finish(id, output, observer);
      bound.publish(id, output);
    } else {
      finish(id, output, observer);
    }
  }
  for (ValueId id : step.released) bound.publish(id, Tensor());
}

Program::Program(const Graph& graph, Options options) : impl_(std::make_unique<Impl>()) {
  static std::atomic<uint64_t> count{0};
  impl_->serial = ++count;
  impl_->graph = graph;
  if (options.engine == Engine::kInteger) impl_->integer = std::make_unique<IntegerProgram>(graph);
  impl_->observed.assign(graph.values.size(), false);
  for (ValueId id : options.observed) impl_->observed[index_of(id)] = true;
  for (const Value& value : graph.values) {
    impl_->constants.push_back(value.constant ? computed_constant(value, options.engine) : Tensor());
  }
  impl_->options = std::move(options);
}

Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;

const Graph& Program::graph() const {
  return impl_->graph;
}

std::vector<Tensor> Program::run(std::span<const Tensor> inputs, Workspace& workspace, const Observer& observer) const {
  const Graph& graph = impl_->graph;
  check_inputs(graph, inputs);
  if (impl_->integer != nullptr) return impl_->integer->run(inputs, impl_->observed, observer);
  BoundPlan& bound = impl_->bound_for(inputs, *workspace.impl);
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor input = impl_->params_of(graph.inputs[i]) != nullptr ? copy_of(inputs[i]) : inputs[i];
    impl_->finish(graph.inputs[i], input, observer);
    bound.publish(graph.inputs[i], input);
  }
  const EvalContext::RunSubgraph run_subgraph = [&](const Graph& subgraph, std::span<const Tensor> operands) {
    return impl_->subprogram(subgraph).run(operands, workspace.impl->subgraphs[&subgraph]);
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) impl_->run_step(i, bound, *workspace.impl, run_subgraph, observer);
  std::vector<Tensor> results;
  for (ValueId id : graph.outputs) {
    const Tensor& value = bound.values[index_of(id)];
    const bool passed_on =
        std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& input) { return input.bytes() == value.bytes(); });
    const bool own = bound.plan->residences[index_of(id)].storage == Storage::kDynamic && !passed_on;
    results.push_back(own ? value : copy_of(value));
  }
  // Inputs and results belong to the caller: the workspace must not keep their memory.
  for (ValueId id : graph.inputs) bound.publish(id, Tensor());
  return results;
}

}  // namespace tinyc
