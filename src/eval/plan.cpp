#include "eval/plan.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "eval/memory_layout.h"
#include "tinyc/ops/clamp.h"
#include "tinyc/ops/infer.h"

namespace tinyc {
namespace {

bool has_fixed_type(const TensorType& type) {
  return bits_of(type.dtype) != 0 && type.shape.known();
}

// Types from nothing but the inputs' dims and the constants: what the file says about computed values is not trusted
// with memory.
std::vector<TensorType> infer_from(Graph graph, std::span<const TypeOfInput> inputs) {
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.outputs) {
      if (id != kNoValue) graph[id].type = TensorType();
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i) graph[graph.inputs[i]].type = {inputs[i].dtype, Shape(inputs[i].dims)};
  infer_types(graph);
  std::vector<TensorType> types;
  for (Value& value : graph.values) types.push_back(std::move(value.type));
  return types;
}

class Planner {
 public:
  Planner(const PlanRequest& request, Plan& plan)
      : request_(request), graph_(request.graph), plan_(plan), uses_(graph_) {}

  void run() {
    plan_.steps.resize(graph_.nodes.size());
    plan_.residences.resize(graph_.values.size());
    plan_.readers.resize(graph_.values.size());
    plan_.views.resize(graph_.values.size());
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      if (graph_.values[i].constant) plan_.residences[i].storage = Storage::kConstant;
    }
    for (ValueId id : graph_.inputs) residence(id).storage = Storage::kInput;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) plan_node(i);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (plan_.steps[i].runs) prepare(i);
    }
    place_values();
    find_releases();
  }

 private:
  Residence& residence(ValueId id) { return plan_.residences[index_of(id)]; }
  const TensorType& type(ValueId id) const { return plan_.types[index_of(id)]; }

  const QParams* params_of(ValueId id) const { return request_.rounds ? linear_params(graph_[id]) : nullptr; }

  void plan_node(size_t i) {
    const Node& node = graph_.nodes[i];
    Step& step = plan_.steps[i];
    if (step.runs) step.outputs = node.outputs;
    const auto fixed = [&](ValueId id) { return id == kNoValue || has_fixed_type(type(id)); };
    step.fixed = std::all_of(node.inputs.begin(), node.inputs.end(), fixed) &&
                 std::all_of(node.outputs.begin(), node.outputs.end(), fixed);
    if (!step.runs) return;  // a clamp that was taken along
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k] != kNoValue) plan_.readers[index_of(node.inputs[k])].push_back({i, k});
    }
    if (is_plain_view(node, step)) {
      step.runs = false;
      const Residence& source = residence(node.inputs[0]);
      const ValueId root = source.storage == Storage::kView ? source.root : node.inputs[0];
      residence(node.outputs[0]) = {Storage::kView, root, 0};
      plan_.views[index_of(root)].push_back(node.outputs[0]);
      return;
    }
    for (ValueId id : node.outputs) {
      if (id != kNoValue) residence(id).storage = step.fixed ? Storage::kArena : Storage::kDynamic;
    }
  }

  // Its one output is the first operand's bytes, and rounding does not tell the two apart.
  bool is_plain_view(const Node& node, const Step& step) const {
    if (node.op == nullptr || !node.op->is_view || !step.fixed || node.outputs[0] == kNoValue) return false;
    if (std::count(node.outputs.begin(), node.outputs.end(), kNoValue) + 1 != std::ssize(node.outputs)) return false;
    const TensorType& from = type(node.inputs[0]);
    const TensorType& to = type(node.outputs[0]);
    if (from.dtype != to.dtype || element_count(*from.shape.known_dims()) != element_count(*to.shape.known_dims())) {
      return false;
    }
    const QParams* given = params_of(node.inputs[0]);
    const QParams* wanted = params_of(node.outputs[0]);
    return wanted == nullptr || (given != nullptr && *given == *wanted && wanted->axis < 0);
  }

  std::optional<ClampLimits> limits_of(const Node& clamp) const {
    return clamp_limits(clamp, [&](ValueId id) {
      return graph_[id].constant ? &request_.constants[index_of(id)] : static_cast<const Tensor*>(nullptr);
    });
  }

  // The clamp that reads output 0 and that its kernel may take along, as the index of its node.
  std::optional<size_t> following_clamp(const Node& node) const {
    if (!node.op->fuses_clamp || node.outputs.size() != 1) return std::nullopt;
    const ValueId between = node.outputs[0];
    if (type(between).dtype != DataType::kFloat || !uses_.has_single_reader(between) ||
        request_.observed[index_of(between)] || params_of(between) != nullptr) {
      return std::nullopt;
    }
    const size_t reader = index_of(uses_.consumers_of(between)[0]);
    if (graph_.nodes[reader].inputs[0] != between) return std::nullopt;
    return reader;
  }

  void prepare(size_t i) {
    const Node& node = graph_.nodes[i];
    Step& step = plan_.steps[i];
    if (!step.fixed || node.op == nullptr || node.op->prepare == nullptr) return;
    std::vector<TensorType> inputs, outputs;
    std::vector<const Tensor*> constants;
    for (ValueId id : node.inputs) {
      inputs.push_back(id == kNoValue ? TensorType() : type(id));
      const bool constant = id != kNoValue && graph_[id].constant;
      constants.push_back(constant ? &request_.constants[index_of(id)] : nullptr);
    }
    for (ValueId id : node.outputs) outputs.push_back(id == kNoValue ? TensorType() : type(id));
    PrepareContext context{node, inputs, outputs, constants};
    const std::optional<size_t> clamp = following_clamp(node);
    const std::optional<ClampLimits> bounds = clamp ? limits_of(graph_.nodes[*clamp]) : std::nullopt;
    if (bounds) {
      context.clamp_low = bounds->low;
      context.clamp_high = bounds->high;
    }
    step.kernel = with_context([&] { return describe(node); }, [&] { return node.op->prepare(context); });
    if (!step.kernel || !bounds) return;
    residence(step.outputs[0]).storage = Storage::kUnused;
    step.outputs = graph_.nodes[*clamp].outputs;
    plan_.steps[*clamp].runs = false;
  }

  void place_values() {
    const size_t end = graph_.nodes.size();
    std::vector<Lifetime> lifetimes;
    std::vector<ValueId> owners;
    std::vector<size_t> index(graph_.values.size(), SIZE_MAX);
    for (size_t i = 0; i < end; ++i) {
      if (!plan_.steps[i].runs) continue;
      for (ValueId id : plan_.steps[i].outputs) {
        if (id == kNoValue || residence(id).storage != Storage::kArena) continue;
        index[index_of(id)] = lifetimes.size();
        owners.push_back(id);
        lifetimes.push_back({static_cast<size_t>(byte_count(type(id).dtype, *type(id).shape.known_dims())), i, i});
      }
    }
    const auto extend = [&](ValueId id, size_t step) {
      if (id == kNoValue) return;
      const ValueId root = residence(id).storage == Storage::kView ? residence(id).root : id;
      const size_t at = index[index_of(root)];
      if (at != SIZE_MAX) lifetimes[at].last = std::max(lifetimes[at].last, step);
    };
    for (size_t i = 0; i < end; ++i) {
      for (ValueId id : graph_.nodes[i].inputs) extend(id, i);
    }
    for (ValueId id : graph_.outputs) extend(id, end);
    const MemoryLayout layout = lay_out(lifetimes);
    for (size_t i = 0; i < owners.size(); ++i) residence(owners[i]).offset = layout.offsets[i];
    plan_.arena_bytes = layout.bytes;
  }

  void find_releases() {
    std::vector<bool> needed(graph_.values.size(), false);
    for (ValueId id : graph_.outputs) needed[index_of(id)] = true;
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      for (ValueId id : graph_.nodes[i].inputs) {
        if (id == kNoValue || needed[index_of(id)]) continue;
        needed[index_of(id)] = true;
        if (residence(id).storage == Storage::kDynamic) plan_.steps[i].released.push_back(id);
      }
    }
  }

  const PlanRequest& request_;
  const Graph& graph_;
  Plan& plan_;
  Uses uses_;
};

}  // namespace

std::shared_ptr<const Plan> make_plan(const PlanRequest& request, std::vector<TypeOfInput> inputs) {
  auto plan = std::make_shared<Plan>();
  plan->types = infer_from(request.graph, inputs);
  plan->inputs = std::move(inputs);
  Planner(request, *plan).run();
  return plan;
}

}  // namespace tinyc
