// absorb-bias: takes what a channel never falls below out of the channel and into the biases that follow.
//
// Problem: a channel whose values lie in [5, 6] takes the grid of [0, 6]; a channel with a large bias so spoils the
// step of all others. Method: where y >= c > 0 for all samples, Relu(y) = Relu(y - c) + c, and the constant c goes
// through the layers that read it: b -= c, and b'[o] += sum over inputs and taps of w'[o][i] c_i. What is smaller than
// c on other data is cut off there instead of at 0, so c is the smallest value seen, and a change is kept only where a
// trial on samples other than those finds it better (pass/trial.h). Zeros at a padded border are not c: readers with
// padding are refused. Readers must be layers with constant weights and a place for a bias. Without data c is what
// BatchNormalization recorded, mean minus three deviations, and there is nothing to try it on. Cost: one run of the
// float model, and the trials. Source: Nagel et al. 2019 (arXiv:1906.04721), section 4.1.3, which always takes the
// recorded moments.
#include <algorithm>
#include <limits>
#include <map>

#include "tinyc/base/parallel.h"
#include "tinyc/eval/computable.h"
#include "tinyc/ops/infer.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/pass/trial.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

struct Candidate {
  NodeId layer = kNoNode;
  std::vector<NodeId> readers = {};
  std::vector<double> floors = {};  // by channel: what its values never fall below, at least 0
};

bool is_relu(const Node& node) {
  return node.op != nullptr && node.op->quant.kind == QuantKind::kClamp && node.op->inputs.max == 1;
}

bool has_padding(const Node& node) {
  const std::span<const int64_t> pads = ints_attr(node, "pads");
  const std::string_view automatic = string_attr(node, "auto_pad");
  return std::any_of(pads.begin(), pads.end(), [](int64_t pad) { return pad != 0; }) ||
         (!automatic.empty() && automatic != "NOTSET" && automatic != "VALID");
}

// Why the node cannot take a constant of its input into its bias; empty when it can.
std::string why_not(const Graph& graph, const Node& node, ValueId input) {
  const Tensor* weight = node.op == nullptr ? nullptr : plain_constant(graph, node, 1);
  const auto axes = weight == nullptr ? std::nullopt : weight_axes(node, weight->dims());
  if (!axes || node.op->quant.bias < 0 || operand(node, 0) != input) return "is no layer with weights and a bias";
  if (axes->convolution && axes->in_axis != 1) return "is a transposed convolution, whose borders see fewer taps";
  if (axes->convolution && has_padding(node)) return "pads with zeros, which are not the constant";
  const ValueId bias = operand(node, node.op->quant.bias);
  if (bias == kNoValue) return {};
  const bool plain = plain_constant(graph, bias) != nullptr && graph[bias].constant->size() == axes->outputs();
  return plain ? std::string() : "has a bias that is not one constant a channel";
}

using Floors = std::map<ValueId, std::vector<double>>;  // by channel (axis 1); a value may be missing

// The smallest value over all samples.
Floors smallest(const Graph& graph, const std::vector<ValueId>& values, const PassContext& context) {
  Program::Options options;
  options.observed = values;
  const Program program(graph, options);
  std::vector<Workspace> workspaces(static_cast<size_t>(std::max(context.threads, 1)));
  std::vector<Floors> parts(context.samples.size());
  parallel_for(static_cast<int64_t>(parts.size()), context.threads, [&](int64_t idx, int thread) {
    const auto sample = static_cast<size_t>(idx);
    static_cast<void>(program.run(
        context.samples[sample], workspaces[static_cast<size_t>(thread)], [&](ValueId id, const Tensor& tensor) {
          const auto channels = static_cast<size_t>(tensor.dims()[1]);
          const auto inner = static_cast<size_t>(element_count(std::span(tensor.dims()).subspan(2)));
          std::vector<double>& least = parts[sample][id];
          least.assign(channels, std::numeric_limits<double>::infinity());
          const auto data = tensor.data<float>();
          for (size_t i = 0; i < data.size(); ++i) {
            double& most = least[i / inner % channels];
            most = std::min(most, static_cast<double>(data[i]));
          }
        }));
  });
  Floors total = std::move(parts.front());
  for (const auto& part : parts) {
    for (const auto& [id, least] : part) {
      for (size_t c = 0; c < least.size(); ++c) total[id][c] = std::min(total[id][c], least[c]);
    }
  }
  return total;
}

// What normal values of the recorded moments fall below once in 700 times.
Floors recorded(const Graph& graph, const std::vector<ValueId>& values, const MomentTable& moments) {
  constexpr double kDeviations = 3.0;
  Floors floors;
  for (ValueId id : values) {
    const auto found = moments.find(graph[id].name);
    if (found == moments.end()) continue;
    const ChannelMoments& of = found->second;
    for (size_t c = 0; c < of.mean.size(); ++c) floors[id].push_back(of.mean[c] - kDeviations * of.deviation[c]);
  }
  return floors;
}

std::vector<Candidate> find_candidates(const Graph& graph, PassContext& context) {
  const Uses uses(graph);
  std::vector<ValueId> values;
  std::vector<Candidate> found;
  std::vector<std::string> reasons;
  for (const Node& relu : graph.nodes) {
    if (!is_relu(relu)) continue;
    const NodeId layer = uses.producer_of(relu.inputs[0]);
    if (layer == kNoNode || only_reader(uses, relu.inputs[0]) == kNoNode || graph[relu.inputs[0]].quant) continue;
    if (graph[relu.inputs[0]].type.shape.rank() < 2 || uses.is_output[index_of(relu.outputs[0])]) continue;
    const Tensor* weight = graph[layer].op == nullptr ? nullptr : plain_constant(graph, graph[layer], 1);
    const auto axes = weight == nullptr ? std::nullopt : weight_axes(graph[layer], weight->dims());
    const bool has_bias = axes && plain_constant(graph, graph[layer], graph[layer].op->quant.bias) != nullptr;
    if (!has_bias || plain_constant(graph, graph[layer], graph[layer].op->quant.bias)->size() != axes->outputs())
      continue;
    std::string reason;
    for (NodeId reader : uses.consumers_of(relu.outputs[0])) {
      const std::string why = why_not(graph, graph[reader], relu.outputs[0]);
      if (!why.empty()) reason = graph[reader].name + " " + why;
    }
    found.push_back({layer, uses.consumers_of(relu.outputs[0])});
    reasons.push_back(reason);
    values.push_back(relu.inputs[0]);
  }
  if (values.empty()) return {};
  const Floors floors =
      context.samples.empty() ? recorded(graph, values, context.moments) : smallest(graph, values, context);
  std::vector<Candidate> useful;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto known = floors.find(values[i]);
    if (known == floors.end()) continue;
    for (const double floor : known->second) found[i].floors.push_back(std::max(floor, 0.0));
    if (*std::max_element(found[i].floors.begin(), found[i].floors.end()) == 0) continue;
    if (reasons[i].empty()) {
      useful.push_back(std::move(found[i]));
    } else {
      context.note(graph[found[i].layer].name, "left as it was: " + reasons[i]);
    }
  }
  return useful;
}

void add_to_bias(Graph& graph, NodeId id, const std::vector<double>& shift) {
  const int idx = graph[id].op->quant.bias;
  const Tensor* old = plain_constant(graph, graph[id], idx);
  std::vector<float> values = old != nullptr ? old->to_float() : std::vector<float>(shift.size(), 0.0F);
  const Dims dims = old != nullptr ? old->dims() : Dims{static_cast<int64_t>(shift.size())};
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<double>(values[i]) + shift[i]);
  }
  const std::string name = old != nullptr ? graph[operand(graph[id], idx)].name : graph[id].name + "_bias";
  set_operand(graph, id, idx, name, Tensor::of<float>(dims, values));
}

void absorb(Graph& graph, const Candidate& candidate) {
  std::vector<double> less;
  for (const double floor : candidate.floors) less.push_back(-floor);
  add_to_bias(graph, candidate.layer, less);
  for (NodeId reader : candidate.readers) {
    const Tensor weight = *plain_constant(graph, graph[reader], 1);
    const WeightAxes axes = *weight_axes(graph[reader], weight.dims());
    std::vector<double> shift(static_cast<size_t>(axes.outputs()), 0.0);
    for (int64_t e = 0; e < weight.size(); ++e) {
      shift[static_cast<size_t>(axes.output_of(e))] +=
          static_cast<double>(weight.data<float>()[static_cast<size_t>(e)]) *
          candidate.floors[static_cast<size_t>(axes.input_of(e))];
    }
    add_to_bias(graph, reader, shift);
  }
}

// What was recorded of the layer's result, less what it lost.
void lower_moments(const Graph& graph, const Candidate& candidate, MomentTable& moments) {
  const auto found = moments.find(graph[graph[candidate.layer].outputs[0]].name);
  if (found == moments.end()) return;
  for (size_t c = 0; c < candidate.floors.size(); ++c) found->second.mean[c] -= candidate.floors[c];
}

bool run(Graph& graph, PassContext& context) {
  const bool measured = context.samples.size() >= 2;
  if ((!measured && context.moments.empty()) || computable_part(graph).nodes.size() != graph.nodes.size()) {
    context.note("model", "skipped: there are neither calibration samples nor statistics of BatchNormalization");
    return false;
  }
  const std::vector<Candidate> candidates = find_candidates(graph, context);
  if (candidates.empty()) return false;
  const auto build = [&](const std::vector<bool>& chosen) {
    Graph changed = graph;
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (chosen[i]) absorb(changed, candidates[i]);
    }
    infer_types(changed);
    return changed;
  };
  const std::vector<bool> kept = measured ? choose_changes(QuantizationTrial(graph, context), candidates.size(), build)
                                          : std::vector<bool>(candidates.size(), true);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const std::vector<double>& floors = candidates[i].floors;
    const auto raised = std::count_if(floors.begin(), floors.end(), [](double floor) { return floor > 0; });
    context.note(graph[candidates[i].layer].name,
                 kept[i] ? "what " + std::to_string(raised) + " channels " + (measured ? "never" : "hardly ever") +
                               " fall below went into the next biases"
                         : "left as it was: absorbing its bias does not lower the error");
    context.count(kept[i] ? "layers" : "layers_left");
  }
  if (std::find(kept.begin(), kept.end(), true) == kept.end()) return false;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (kept[i]) lower_moments(graph, candidates[i], context.moments);
  }
  graph = build(kept);
  remove_dead(graph);
  return true;
}

}  // namespace

extern constexpr PassDef k_absorb_bias =
    make_pass<run>("absorb-bias", "take what channels never fall below into the biases that follow", Contract::kLossy,
                   Stage::kRewrite);

}  // namespace tinyc
