// correct-bias: shifts each layer's bias so that its mean output is that of the float model.
//
// Problem: rounding weights and activations moves the mean of every output channel; the shift adds up through the
// layers and is most of the error that a label or a reconstruction sees. Method: empirical, layer by layer in execution
// order over the calibration samples, with all earlier layers already quantized and corrected, so that a layer also
// makes up for what reaches it:
//   b[c] += mean over samples and positions of (float output[c] - quantized output[c]),   before clamp and grid.
// For one layer this is the exact minimizer of the mean square error over b: the error falls by the square of the
// shift. A layer without a bias gets one. Cost: two runs of the float model, three of the simulated one over the held
// samples. Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019
// (arXiv:1906.04721), section 4.2, the empirical form.
#include <cmath>

#include "tinyc/eval/layerwise.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/bias.h"

namespace tinyc {
namespace {

using Results = std::vector<std::vector<Tensor>>;

// A layer whose bias we may shift: constant weights on a grid, a bias operand that is constant or left out, and
// channels along axis 1 of its output.
bool is_correctable(const Graph& graph, const Node& node) {
  if (node.op == nullptr || node.op->quant.bias < 0 || node.op->quant.weights[0] < 0) return false;
  const ValueId weight = operand(node, node.op->quant.weights[0]);
  const ValueId bias = operand(node, node.op->quant.bias);
  if (weight == kNoValue || !graph[weight].constant || !graph[weight].quant) return false;
  if (!graph[operand(node, 0)].quant) return false;
  return bias == kNoValue || (plain_constant(graph, bias) != nullptr && graph[bias].quant.has_value());
}

// Mean of output 0 over samples and positions, by channel (axis 1), summed in double in the order of samples.
std::vector<double> channel_means(const Results& results) {
  const Dims& dims = results.front().front().dims();
  const auto channels = static_cast<size_t>(dims[1]);
  std::vector<double> sums(channels, 0.0);
  size_t positions = 0;
  for (const std::vector<Tensor>& sample : results) {
    const Tensor& tensor = sample.front();
    const auto data = tensor.data<float>();
    const size_t inner = data.size() / channels / static_cast<size_t>(tensor.dims()[0]);
    for (size_t i = 0; i < data.size(); ++i) sums[i / inner % channels] += static_cast<double>(data[i]);
    positions += data.size() / channels;
  }
  for (double& sum : sums) sum /= static_cast<double>(positions);
  return sums;
}

void ensure_bias(Graph& graph, NodeId id, size_t channels) {
  const Node& node = graph[id];
  const int bias_idx = node.op->quant.bias;
  if (operand(node, bias_idx) != kNoValue) return;
  const Tensor zeros = Tensor::zeros(DataType::kFloat, {static_cast<int64_t>(channels)});
  set_operand(graph, id, bias_idx, node.name + "_bias", zeros);
  static_cast<void>(derive_bias_params(graph, graph[id]));
}

// Adds the shift, as far as an int32 holds the result. Returns the root mean square of the shift.
double shift_bias(Graph& graph, NodeId id, const std::vector<double>& from, const std::vector<double>& to) {
  ensure_bias(graph, id, from.size());
  Value& bias = graph[operand(graph[id], graph[id].op->quant.bias)];
  std::vector<float> values = bias.constant->to_float();
  double square = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double shift = to[i] - from[i];
    values[i] = static_cast<float>(static_cast<double>(values[i]) + shift);
    square += shift * shift;
  }
  bias.constant = Tensor::of<float>(bias.constant->dims(), values);
  return std::sqrt(square / static_cast<double>(values.size()));
}

bool run(Graph& graph, PassContext& context) {
  if (context.samples.empty()) {
    context.note("model", "skipped: there are no calibration samples");
    return false;
  }
  LayerwiseRun exact(*context.reference, Engine::kFloat, context.samples, context.threads);
  LayerwiseRun rounded(graph, Engine::kSimulated, context.samples, context.threads);
  bool changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const NodeId id{static_cast<uint32_t>(i)};
    Results exact_results = exact.compute(*context.reference, id);
    Results rounded_results = rounded.compute(graph, id);
    if (is_correctable(graph, graph[id]) && exact_results.front().front().rank() >= 2) {
      const double rms = shift_bias(graph, id, channel_means(rounded_results), channel_means(exact_results));
      context.note(graph[id].name, "mean output shifted by " + std::to_string(rms) + " (rms over channels)");
      context.count("layers");
      rounded_results = rounded.compute(graph, id);
      changed = true;
    }
    exact.store(*context.reference, id, std::move(exact_results));
    rounded.store(graph, id, std::move(rounded_results));
  }
  return changed;
}

}  // namespace

extern constexpr PassDef k_correct_bias =
    make_pass<run>("correct-bias", "shift biases so that each layer's mean output is that of the float model",
                   Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
