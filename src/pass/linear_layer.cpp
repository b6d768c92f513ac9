#include "tinyc/pass/linear_layer.h"

#include <algorithm>
#include <cmath>

#include "tinyc/ops/op.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

std::vector<LinearForm> forms_of(const LayerState& state, NodeId id, int weight) {
  const Node& node = state.graph[id];
  std::vector<LinearForm> forms;
  for (size_t s = 0; s < state.run.sample_count(); ++s) {
    std::vector<Tensor> inputs, outputs;
    for (const ValueId input : node.inputs) {
      if (input == kNoValue) {
        inputs.emplace_back();
      } else {
        inputs.push_back(state.graph[input].constant ? *state.graph[input].constant : state.run.value(s, input));
      }
    }
    size_t computed = 0;
    for (const ValueId output : node.outputs) {
      outputs.push_back(output == kNoValue ? Tensor() : state.results[s][computed++]);
    }
    std::optional<LinearForm> form = node.op->linear({node, weight, inputs, outputs});
    if (!form) return {};
    forms.push_back(std::move(*form));
  }
  return forms;
}

bool is_bias_of_op(const Graph& graph, const LinearLayer& layer) {
  return graph[layer.id].op->quant.bias >= 0 && graph[layer.id].op->quant.bias == layer.form().bias;
}

// Whether the layer's bias is stored as int32: that of a layer whose weights are integers.
bool is_stored_bias(const Graph& graph, const LinearLayer& layer) {
  return is_bias_of_op(graph, layer) && graph[weight_id(graph, layer)].quant.has_value();
}

const QParams* input_params(const Graph& graph, const LinearLayer& layer) {
  return linear_params(graph, operand(graph[layer.id], 0));
}

QParams& weight_params_of(Graph& graph, const LinearLayer& layer) {
  return std::get<QParams>(*graph[weight_id(graph, layer)].quant);
}

// The float model's bias; elements that other rows add are as they are now.
std::vector<float> bias_to_shift(const Graph& graph, const Graph& reference, const LinearLayer& layer) {
  const LinearForm& form = layer.form();
  const ValueId own = operand(graph[layer.id], form.bias), before = operand(reference[layer.id], form.bias);
  if (own == kNoValue) return std::vector<float>(static_cast<size_t>(form.bias_size), 0.0F);
  std::vector<float> values = graph[own].constant->to_float();
  const std::vector<float> wanted =
      before == kNoValue ? std::vector<float>(values.size(), 0.0F) : reference[before].constant->to_float();
  for (int64_t g = 0; g < form.groups; ++g) {
    for (int64_t r = 0; r < form.rows; ++r) {
      values[static_cast<size_t>(form.bias_at(g, r))] = wanted[static_cast<size_t>(form.bias_at(g, r))];
    }
  }
  return values;
}

void store_bias(Graph& graph, const LinearLayer& layer, const std::vector<float>& values) {
  const int idx = layer.form().bias;
  if (operand(graph[layer.id], idx) == kNoValue) {
    const Tensor zeros = Tensor::zeros(DataType::kFloat, {static_cast<int64_t>(values.size())});
    set_operand(graph, layer.id, idx, graph[layer.id].name + "_bias", zeros);
  }
  Value& bias = graph[operand(graph[layer.id], idx)];
  bias.constant = Tensor::of<float>(bias.constant->dims(), values);
  if (!is_stored_bias(graph, layer)) return;
  QParams& weight = weight_params_of(graph, layer);
  std::vector<size_t> channel_of_bias(values.size());
  for (size_t i = 0; i < values.size(); ++i) channel_of_bias[i] = i % weight.scales.size();
  bias.quant = bias_params(values, input_params(graph, layer)->scales[0], channel_of_bias, weight, nullptr);
}

}  // namespace

std::optional<LinearLayer> find_linear_layer(const LayerState& now, const LayerState& wanted, NodeId id, int weight) {
  const Node& node = now.graph[id];
  if (node.op == nullptr || node.op->linear == nullptr || now.run.sample_count() == 0) return std::nullopt;
  const Tensor* tensor = plain_constant(now.graph, node, weight);
  const Tensor* original = plain_constant(wanted.graph, wanted.graph[id], weight);
  if (tensor == nullptr || tensor->dtype() != DataType::kFloat || original == nullptr) return std::nullopt;
  LinearLayer layer{id, weight, forms_of(now, id, weight), forms_of(wanted, id, weight), {}};
  if (layer.now.empty() || layer.wanted.empty()) return std::nullopt;
  layer.weights = read_weights(layer.form(), *original);
  return layer;
}

std::vector<Matrix> read_weights(const LinearForm& form, const Tensor& tensor) {
  const auto data = tensor.data<float>();
  std::vector<Matrix> groups;
  for (int64_t g = 0; g < form.groups; ++g) {
    Matrix& weights = groups.emplace_back(form.rows, form.columns);
    for (int64_t r = 0; r < form.rows; ++r) {
      for (int64_t c = 0; c < form.columns; ++c) {
        weights(r, c) = static_cast<double>(data[static_cast<size_t>(form.weight_at(g, r, c))]);
      }
    }
  }
  return groups;
}

Tensor replaced_weights(const LinearForm& form, const Tensor& tensor, std::span<const Matrix> weights) {
  Tensor replaced = Tensor::of<float>(tensor.dims(), tensor.data<float>());
  const auto data = replaced.mutable_data<float>();
  for (int64_t g = 0; g < form.groups; ++g) {
    const Matrix& group = weights[static_cast<size_t>(g)];
    for (int64_t r = 0; r < form.rows; ++r) {
      for (int64_t c = 0; c < form.columns; ++c) {
        data[static_cast<size_t>(form.weight_at(g, r, c))] = static_cast<float>(group(r, c));
      }
    }
  }
  return replaced;
}

bool has_free_bias(const Graph& graph, const LinearLayer& layer) {
  const LinearForm& form = layer.form();
  if (form.bias < 0) return false;
  const bool stored = is_stored_bias(graph, layer);
  const ValueId id = operand(graph[layer.id], form.bias);
  if (id == kNoValue) return is_bias_of_op(graph, layer) && (!stored || input_params(graph, layer) != nullptr);
  const Tensor* tensor = plain_constant(graph, id);
  return tensor != nullptr && tensor->dtype() == DataType::kFloat && tensor->size() == form.bias_size &&
         graph[id].quant.has_value() == stored;
}

std::optional<RowNumbers> read_bias(const Graph& graph, const LinearLayer& layer) {
  const LinearForm& form = layer.form();
  RowNumbers bias(static_cast<size_t>(form.groups), std::vector<double>(static_cast<size_t>(form.rows), 0.0));
  const ValueId id = operand(graph[layer.id], form.bias);
  if (id == kNoValue) return bias;
  const Tensor* tensor = plain_constant(graph, id);
  if (tensor == nullptr || tensor->size() != form.bias_size) return std::nullopt;
  const std::vector<float> values = tensor->to_float();
  for (int64_t g = 0; g < form.groups; ++g) {
    for (int64_t r = 0; r < form.rows; ++r) {
      bias[static_cast<size_t>(g)][static_cast<size_t>(r)] =
          static_cast<double>(values[static_cast<size_t>(form.bias_at(g, r))]);
    }
  }
  return bias;
}

void shift_bias(Graph& graph, const Graph& reference, const LinearLayer& layer, const RowNumbers& shift) {
  std::vector<float> values = bias_to_shift(graph, reference, layer);
  for (int64_t g = 0; g < layer.form().groups; ++g) {
    for (int64_t r = 0; r < layer.form().rows; ++r) {
      float& value = values[static_cast<size_t>(layer.form().bias_at(g, r))];
      value = static_cast<float>(static_cast<double>(value) + shift[static_cast<size_t>(g)][static_cast<size_t>(r)]);
    }
  }
  store_bias(graph, layer, values);
}

std::vector<double> smallest_scales_for_bias(const Graph& graph, const LinearLayer& layer, size_t count) {
  constexpr double kRoom = 2.0;
  std::vector<double> smallest(count, 0.0);
  const ValueId bias = operand(graph[layer.id], layer.form().bias);
  const QParams* input = input_params(graph, layer);
  if (bias == kNoValue || !graph[bias].quant || input == nullptr) return smallest;
  const std::vector<float> values = graph[bias].constant->to_float();
  for (size_t i = 0; i < values.size(); ++i) {
    double& limit = smallest[i % smallest.size()];
    const double magnitude = std::abs(static_cast<double>(values[i]));
    limit = std::max(limit, kRoom * magnitude / kLargestBias / static_cast<double>(input->scales[0]));
  }
  return smallest;
}

}  // namespace tinyc
