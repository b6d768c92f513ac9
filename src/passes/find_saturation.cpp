// find-saturation: says which layers go wrong on x86 processors without VNNI, and leaves the model as it is.
//
// There, two neighbouring products of an unsigned and a signed byte are added in 16 bits and cut (quant/saturation.h).
// The usual remedy, weights of 7 bits everywhere, costs half of the weights' precision where nothing ever is cut. Here
// every layer with weights of 8 bits is looked at on the calibration samples as the simulated model runs over them, and
// 7 bits are recommended only for layers of which more than a thousandth of the results are cut. Cost: one run of the
// simulated model, and some thousand positions of each layer.
#include <fmt/format.h>

#include "tinyc/eval/layerwise.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/saturation.h"

namespace tinyc {
namespace {

constexpr size_t kMostSamples = 16;
constexpr int64_t kMostPositions = 512;
constexpr double kHarm = 1e-3;

// The weight operand of a layer that computes with bytes and weights of 8 bits; -1: it is none.
int byte_weights(const Graph& graph, const Node& node) {
  if (node.op == nullptr || node.op->linear == nullptr || node.op->quant.weights[0] < 0) return -1;
  const int idx = node.op->quant.weights[0];
  const Tensor* weight = plain_constant(graph, node, idx);
  const QParams* grid = linear_params(graph, operand(node, idx));
  const QParams* input = linear_params(graph, operand(node, 0));
  if (weight == nullptr || weight->dtype() != DataType::kFloat || grid == nullptr || input == nullptr) return -1;
  const bool bytes = input->storage == DataType::kUint8 || input->storage == DataType::kInt8;
  return bytes && grid->q_max > 63 ? idx : -1;
}

std::vector<int32_t> codes_of(const Tensor& weight, const QParams& params) {
  const ScaleIndex scale_idx(params, weight.dims());
  const auto data = weight.data<float>();
  std::vector<int32_t> codes(data.size());
  for (size_t i = 0; i < data.size(); ++i) {
    const size_t at = scale_idx(static_cast<int64_t>(i));
    const double steps = static_cast<double>(data[i]) / static_cast<double>(params.scales[at]);
    codes[i] = static_cast<int32_t>(std::clamp<double>(std::nearbyint(steps), params.q_min, params.q_max));
  }
  return codes;
}

// Elements of a kernel: columns are (input channel, tap).
int64_t taps_of(const Tensor& weight) {
  return weight.rank() > 2 ? element_count(std::span(weight.dims()).subspan(2)) : 1;
}

std::vector<LinearForm> forms_of(const Graph& graph, const LayerwiseRun& run, const Node& node, int weight) {
  std::vector<LinearForm> forms;
  for (size_t sample = 0; sample < run.sample_count(); ++sample) {
    std::vector<Tensor> inputs;
    for (const ValueId id : node.inputs) {
      const bool is_computed = id != kNoValue && !graph[id].constant;
      inputs.push_back(id == kNoValue ? Tensor() : is_computed ? run.value(sample, id) : *graph[id].constant);
    }
    const std::vector<Tensor> outputs(node.outputs.size());
    std::optional<LinearForm> form = node.op->linear({node, weight, inputs, outputs});
    if (!form) return {};
    forms.push_back(std::move(*form));
  }
  return forms;
}

void look_at(const Graph& graph, const LayerwiseRun& run, const Node& node, PassContext& context) {
  const int weight = byte_weights(graph, node);
  if (weight < 0) return;
  const std::vector<LinearForm> forms = forms_of(graph, run, node, weight);
  const Tensor& tensor = *plain_constant(graph, node, weight);
  const int64_t taps = taps_of(tensor);
  if (forms.empty() || forms.front().columns % taps != 0) return;
  const std::vector<int32_t> codes = codes_of(tensor, *linear_params(graph, operand(node, weight)));
  const SaturationCount count =
      count_saturation({forms, codes, *linear_params(graph, operand(node, 0)), taps, kMostPositions});
  context.count("looked_at");
  if (count.share() <= kHarm) return;
  context.count("layers");
  context.note(node.name, fmt::format("{:.2f} % of its results are cut on x86 without VNNI: give it 7 bits there "
                                      "(layer_bits)",
                                      100 * count.share()));
}

bool run(Graph& graph, PassContext& context) {
  const size_t count = std::min(kMostSamples, context.samples.size());
  if (count == 0) return false;
  LayerwiseRun run(graph, Engine::kSimulated, std::span(context.samples).first(count), context.threads);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    look_at(graph, run, graph.nodes[i], context);
    run.step(graph, NodeId{static_cast<uint32_t>(i)});
  }
  return false;
}

}  // namespace

extern constexpr PassDef k_find_saturation = make_pass<run>(
    "find-saturation", "say which layers need weights of 7 bits on x86 without VNNI", Contract::kExact, Stage::kRepair);

}  // namespace tinyc
