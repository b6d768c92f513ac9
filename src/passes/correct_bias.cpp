// correct-bias: shifts each layer's bias so that its mean output is that of the float model.
//
// Problem: rounding weights and activations moves the mean of every output channel; the shift adds up through the
// layers and is most of the error that a label or a reconstruction sees. With few bits weights also shrink or grow on
// the whole, which no shift mends.
// Method: empirical, layer by layer in execution order over the calibration samples, with all earlier layers already
// quantized and corrected, so that a layer also makes up for what reaches it. Of its output before clamp and grid,
//   y of the float model and q of the quantized one,   b[c] += mean(y[c]) - mean(q[c]),
// which for one layer is the exact minimizer of the mean squared error over b. Where weights have a scale of their own
// for each channel, the least squares y = a q + b is fitted as well: a goes into that scale, and no integer changes.
// Which of the two is said by every fourth sample, which the fit has not seen; then the fit takes all. Whether the
// model is the better for it is measured at its end (quant/end_sqnr.h); where it is not, all biases are put back.
//
// The shift goes to the layer's bias, which is made where there is none. A product without a bias operand (MatMul)
// leaves it to a following Add of one constant per channel; without one it stays as it is.
//
// Without data the layer is run on the mean of its input, over generated inputs that give every layer the moments that
// BatchNormalization recorded (quant/recorded_run.h), once with the float weights and once with the rounded ones on
// the rounded input. Layers are linear, so the difference is the mean of the error: for every position, padded borders
// included, and for any grouping, which closed forms for a clipped normal distribution leave out.
//
// Cost: two runs of the float model, three of the simulated one over the held samples. Source: Nagel et al., Data-Free
// Quantization Through Weight Equalization and Bias Correction, 2019 (arXiv:1906.04721), section 4.2.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tinyc/eval/layerwise.h"
#include "tinyc/eval/remainder.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/kept_out.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/bias.h"
#include "tinyc/quant/channel_fit.h"
#include "tinyc/quant/end_sqnr.h"
#include "tinyc/quant/generate.h"
#include "tinyc/quant/params.h"
#include "tinyc/quant/recorded_run.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

using Results = std::vector<std::vector<Tensor>>;

constexpr double kWorthAGain = 0.99;  // of the error that the shift alone leaves

// Where a node takes a constant for each channel of its output.
struct Place {
  int operand = -1;
  int axis = 1;              // of the output
  bool free_scales = false;  // its weights have a scale for each channel
};

// Scales that may become any number. Powers of two must stay so, and few different ones are what makes the channels of
// coded layers cheap to store.
bool has_free_channel_scales(const Graph& graph, const Node& layer, int64_t channels,
                             const QuantizationSettings& settings) {
  if (settings.power_of_two_scales || settings_of_layer(settings, layer.name).weight_noise > 0) return false;
  const auto& params = std::get<QParams>(*graph[operand(layer, 1)].quant);
  return params.axis >= 0 && params.block == 0 && static_cast<int64_t>(params.scales.size()) == channels;
}

// A layer with constant weights on a grid, and data on one.
std::optional<WeightAxes> axes_of(const Graph& graph, const Node& node) {
  const Tensor* weight = plain_constant(graph, node, 1);
  const auto linear = [&](ValueId id) { return graph[id].quant && std::holds_alternative<QParams>(*graph[id].quant); };
  if (weight == nullptr || !linear(operand(node, 1)) || !linear(operand(node, 0))) return std::nullopt;
  return weight_axes(node, weight->dims());
}

std::optional<Place> place_in_layer(const Graph& graph, const Node& node, int rank,
                                    const QuantizationSettings& settings) {
  const std::optional<WeightAxes> axes = axes_of(graph, node);
  if (!axes || node.op->quant.bias < 0 || rank < 2 || !adds_plain_bias(node)) return std::nullopt;
  const ValueId bias = operand(node, node.op->quant.bias);
  const bool fits = bias == kNoValue || (plain_constant(graph, bias) != nullptr && graph[bias].quant &&
                                         graph[bias].constant->size() == axes->outputs());
  if (!fits) return std::nullopt;
  return Place{node.op->quant.bias, axes->convolution ? 1 : rank - 1,
               has_free_channel_scales(graph, node, axes->outputs(), settings)};
}

// A sum of a layer that has no bias operand and a constant for each of its channels.
std::optional<Place> place_in_sum(const Graph& graph, const Uses& uses, const Node& node, int rank) {
  if (node.op == nullptr || node.op->quant.scaling != Scaling::kSum || node.inputs.size() != 2) return std::nullopt;
  for (int side = 0; side < 2; ++side) {
    const NodeId producer = uses.producer_of(operand(node, side));
    const Tensor* addend = plain_constant(graph, node, 1 - side);
    if (producer == kNoNode || addend == nullptr || addend->dtype() != DataType::kFloat || rank < 1) continue;
    const std::optional<WeightAxes> axes = axes_of(graph, graph[producer]);
    if (!axes || axes->convolution || graph[producer].op->quant.bias >= 0) continue;
    const bool per_channel = addend->rank() > 0 && addend->dims().back() == axes->outputs() &&
                             addend->size() == axes->outputs() && graph[operand(node, 1 - side)].quant;
    if (per_channel) return Place{1 - side, rank - 1};
  }
  return std::nullopt;
}

struct Change {
  std::string layer;
  double shift;  // root mean square over channels
  bool gains;
};

class Corrector {
 public:
  Corrector(Graph& graph, PassContext& context) : graph_(graph), context_(context), uses_(graph) {}

  // Back to what it was where the end of the model does not gain.
  bool correct_with_samples() {
    const Graph before = graph_;
    correct_layers();
    if (changes_.empty()) return false;
    const EndSqnr end(*context_.reference, plan_storage(graph_, context_.settings), context_.samples, context_.threads);
    const double old_sqnr = end.of(before), new_sqnr = end.of(graph_);
    const bool better = new_sqnr > old_sqnr;
    std::array<char, 120> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%s: SQNR at the end of the model %.2f dB, was %.2f dB",
                                    better ? "kept" : "put back", new_sqnr, old_sqnr));
    context_.note("model", text.data());
    if (better) {
      report();
    } else {
      graph_ = before;
    }
    return better;
  }

  bool correct_without_samples() {
    const Graph& reference = *context_.reference;
    const std::vector<Sample> samples = generate_samples(reference, context_.moments, context_.seed);
    RecordedRun run(reference, context_.moments, samples, context_.threads);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      const Shape& shape = reference[reference[id].outputs[0]].type.shape;
      const std::optional<Place> place =
          shape.ranked() ? place_in_layer(graph_, graph_[id], shape.rank(), context_.settings) : std::nullopt;
      if (place) shift_by_means(id, *place, run);
      run.step(id);
    }
    report();
    return !changes_.empty();
  }

 private:
  void correct_layers() {
    LayerwiseRun exact(*context_.reference, Engine::kFloat, context_.samples, context_.threads);
    LayerwiseRun rounded(graph_, Engine::kSimulated, context_.samples, context_.threads);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      Results wanted = exact.compute(*context_.reference, id), now = rounded.compute(graph_, id);
      if (const std::optional<Place> place = place_of(id, now.front().front())) {
        if (fit(id, *place, wanted, now)) now = rounded.compute(graph_, id);
      }
      exact.store(*context_.reference, id, std::move(wanted));
      rounded.store(graph_, id, std::move(now));
    }
  }

  std::optional<Place> place_of(NodeId id, const Tensor& output) {
    const Node& node = graph_[id];
    if (output.dtype() != DataType::kFloat) return std::nullopt;
    std::optional<Place> place = place_in_layer(graph_, node, output.rank(), context_.settings);
    if (!place) place = place_in_sum(graph_, uses_, node, output.rank());
    if (!place && axes_of(graph_, node) && node.op->quant.bias < 0 && !feeds_a_place(node, output.rank())) {
      context_.note(node.name, "left as it is: it has no bias, and no Add of one constant per channel follows");
    }
    return place;
  }

  bool feeds_a_place(const Node& node, int rank) const {
    const auto& readers = uses_.consumers_of(node.outputs[0]);
    return readers.size() == 1 && place_in_sum(graph_, uses_, graph_[readers.front()], rank).has_value();
  }

  // True when the node changed.
  bool fit(NodeId id, const Place& place, const Results& wanted, const Results& now) {
    std::vector<ChannelSums> fitted, checked;
    const bool apart = wanted.size() >= 2 * kKeptOutEvery;
    for (size_t s = 0; s < wanted.size(); ++s) {
      const bool check = apart && is_kept_out(s);
      add_channels(check ? checked : fitted, wanted[s].front(), now[s].front(), place.axis);
    }
    if (!apart) checked = fitted;
    const double shifted = error_of(checked, fit_channels(fitted, false));
    const bool gains = place.free_scales && error_of(checked, fit_channels(fitted, true)) < kWorthAGain * shifted;
    if (apart) {
      for (size_t c = 0; c < fitted.size(); ++c) fitted[c].merge(checked[c]);
    }
    return apply(id, place, fit_channels(fitted, gains));
  }

  void shift_by_means(NodeId id, const Place& place, const RecordedRun& run) {
    const ValueId data = operand(graph_[id], 0);
    if (graph_[data].constant) return;
    const auto& grid = std::get<QParams>(*graph_[data].quant);
    std::vector<double> exact_sum, rounded_sum;
    for (size_t s = 0; s < run.sample_count(); ++s) {
      const Tensor& tensor = run.value(s, data);
      std::vector<float> rounded = tensor.to_float();
      round_to_grid(rounded, tensor.dims(), grid);
      exact_sum.resize(rounded.size());
      rounded_sum.resize(rounded.size());
      for (size_t i = 0; i < rounded.size(); ++i) {
        exact_sum[i] += static_cast<double>(tensor.data<float>()[i]);
        rounded_sum[i] += static_cast<double>(rounded[i]);
      }
    }
    const Dims& dims = run.value(0, data).dims();
    const auto mean = [&](const std::vector<double>& sum) {
      std::vector<float> values;
      for (const double x : sum) values.push_back(static_cast<float>(x / static_cast<double>(run.sample_count())));
      return Tensor::of<float>(dims, values);
    };
    std::vector<ChannelSums> sums;
    add_channels(sums, run_layer(*context_.reference, id, mean(exact_sum), Engine::kFloat),
                 run_layer(graph_, id, mean(rounded_sum), Engine::kSimulated), place.axis);
    apply(id, place, fit_channels(sums, false));
  }

  // The node's output for one input that is on no grid.
  static Tensor run_layer(const Graph& graph, NodeId id, const Tensor& input, Engine engine) {
    const std::array outputs = {graph[id].outputs[0]};
    Graph layer = remainder_of(graph, id, outputs).graph;
    for (const auto* values : {&layer.inputs, &layer.outputs}) {
      for (ValueId value : *values) layer[value].quant.reset();
    }
    Program::Options options;
    options.engine = engine;
    Workspace workspace;
    return Program(layer, options).run(std::array{input}, workspace).front();
  }

  // False where the maps change nothing.
  bool apply(NodeId id, const Place& place, const std::vector<ChannelMap>& maps) {
    if (std::all_of(maps.begin(), maps.end(), [](const ChannelMap& map) { return map == ChannelMap{}; })) return false;
    Node& node = graph_[id];
    if (operand(node, place.operand) == kNoValue) {
      set_operand(graph_, id, place.operand, node.name + "_bias",
                  Tensor::zeros(DataType::kFloat, {static_cast<int64_t>(maps.size())}));
    }
    scale_weights(node, maps);
    Value& bias = graph_[operand(graph_[id], place.operand)];
    std::vector<float> values = bias.constant->to_float();
    double square = 0;
    for (size_t c = 0; c < values.size(); ++c) {
      values[c] = static_cast<float>(maps[c].gain * static_cast<double>(values[c]) + maps[c].shift);
      square += maps[c].shift * maps[c].shift;
    }
    bias.constant = Tensor::of<float>(bias.constant->dims(), values);
    hold_zeros(bias, context_.masks);
    set_params(graph_[id], place, bias);
    const double shift = std::sqrt(square / static_cast<double>(values.size()));
    changes_.push_back({graph_[id].name, shift, has_gains(maps)});
    return true;
  }

  static bool has_gains(const std::vector<ChannelMap>& maps) {
    return std::any_of(maps.begin(), maps.end(), [](const ChannelMap& map) { return map.gain != 1.0; });
  }

  void report() {
    for (const Change& change : changes_) {
      context_.note(change.layer, std::string(change.gains ? "scales of its channels fitted, " : "") +
                                      "mean output shifted by " + std::to_string(change.shift) +
                                      " (rms over channels)");
      context_.count("layers");
      if (change.gains) context_.count("gains");
    }
  }

  // The integers stay: weights and their scales change together.
  void scale_weights(const Node& node, const std::vector<ChannelMap>& maps) {
    if (!has_gains(maps)) return;
    Value& weight = graph_[operand(node, 1)];
    auto& params = std::get<QParams>(*weight.quant);
    const ScaleIndex channel_of(params, weight.constant->dims());
    std::vector<float> values = weight.constant->to_float();
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] *= static_cast<float>(maps[channel_of(static_cast<int64_t>(i))].gain);
    }
    for (size_t c = 0; c < maps.size(); ++c) params.scales[c] *= static_cast<float>(maps[c].gain);
    weight.constant = Tensor::of<float>(weight.constant->dims(), values);
  }

  void set_params(const Node& node, const Place& place, Value& bias) {
    if (place.operand == node.op->quant.bias) {
      static_cast<void>(derive_bias_params(graph_, node));
      return;
    }
    ValueRange range;
    for (const float x : bias.constant->data<float>()) range = {std::min(range.low, x), std::max(range.high, x)};
    bias.quant = activation_params(range, context_.settings);
  }

  Graph& graph_;
  PassContext& context_;
  const Uses uses_;
  std::vector<Change> changes_;
};

bool run(Graph& graph, PassContext& context) {
  if (!context.samples.empty()) return Corrector(graph, context).correct_with_samples();
  if (!context.moments.empty()) return Corrector(graph, context).correct_without_samples();
  context.note("model", "skipped: there are neither calibration samples nor statistics of BatchNormalization");
  return false;
}

}  // namespace

extern constexpr PassDef k_correct_bias =
    make_pass<run>("correct-bias", "shift biases so that each layer's mean output is that of the float model",
                   Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
