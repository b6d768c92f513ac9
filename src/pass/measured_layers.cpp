#include "pass/measured_layers.h"

#include <algorithm>
#include <map>

#include "pass/float_layers.h"
#include "quant/channel_surgeon.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/judges.h"
#include "tinyc/quant/variants.h"

namespace tinyc {
namespace {

constexpr double kProbe = 0.02;  // of its output's power, which a layer loses when its gain is measured
constexpr size_t kEnds = 2;

MeasuredLayer measured(const Graph& graph, LinearLayer layer, int threads) {
  const LinearForm& form = layer.form();
  LayerMoments moments = measure_moments(graph, layer, threads);
  HarmedLayer harm{form, {}, {}, std::move(moments.errors), {}, moments.power};
  harm.macs = static_cast<double>(form.positions * form.groups * form.rows * form.columns);
  for (const MomentSums& sums : moments.sums) {
    std::vector<bool>& silent = harm.silent.emplace_back();
    for (int64_t c = 0; c < form.columns; ++c) silent.push_back(sums.xx(c, c) == 0);
  }
  MeasuredLayer result{std::move(layer), std::move(moments.moments), std::move(harm)};
  result.layer.now.resize(1);
  result.layer.now.front().gather = nullptr;
  result.layer.wanted.clear();
  result.harm.form = result.layer.form();
  return result;
}

void replace_weights(Graph& graph, const Graph& base, const MeasuredLayer& measured,
                     const std::vector<Matrix>& weights) {
  const LinearLayer& layer = measured.layer;
  Value& weight = graph[weight_id(base, layer)];
  weight.constant = replaced_weights(layer.form(), *weight.constant, weights);
  if (!has_free_bias(base, layer)) return;
  RowNumbers shift;
  for (size_t g = 0; g < weights.size(); ++g) {
    shift.push_back(bias_shift(layer.weights[g], weights[g], measured.moments[g]));
  }
  shift_bias(graph, base, layer, shift);
}

// A layer's weights without some of the parts that it reads.
struct Probe {
  double loss = 0;
  std::vector<Matrix> weights = {};
};

Probe probe(const HarmedLayer& layer, int threads) {
  Probe result;
  for (size_t g = 0; g < layer.errors.size(); ++g) {
    std::map<int32_t, std::vector<int64_t>> columns;
    for (size_t c = 0; c < layer.part_of_column[g].size(); ++c) {
      if (layer.part_of_column[g][c] != kNoPart) columns[layer.part_of_column[g][c]].push_back(static_cast<int64_t>(c));
    }
    const OutputError& error = layer.errors[g];
    ChannelSurgeon surgeon(error);
    GroupMask mask{error.target.columns, std::vector<uint8_t>(error.target.elements.size(), 0)};
    const double most = result.loss + kProbe * layer.power / static_cast<double>(layer.errors.size());
    std::vector<std::pair<double, int32_t>> order;
    for (const auto& [part, own] : columns) order.emplace_back(surgeon.loss(own), part);
    std::sort(order.begin(), order.end());
    for (const auto& [first, part] : order) {
      if (result.loss >= most) break;
      result.loss += surgeon.loss(columns[part]);
      surgeon.remove(columns[part]);
      for (int64_t r = 0; r < error.target.rows; ++r) {
        for (const int64_t c : columns[part]) mask.held[static_cast<size_t>(r * mask.columns + c)] = 1;
      }
    }
    result.weights.push_back(best_with_zeros(error, mask, threads));
  }
  return result;
}

}  // namespace

std::vector<MeasuredLayer> measure_layers(const Graph& graph, const PassContext& context) {
  std::vector<MeasuredLayer> layers;
  visit_layers(graph, context, [&](LinearLayer layer) {
    if (layer.form().columns <= kMostFittedColumns) {
      layers.push_back(measured(graph, std::move(layer), context.threads));
    }
  });
  return layers;
}

Graph refitted(const Graph& graph, std::span<const MeasuredLayer> layers, const WeightMasks& masks, int threads) {
  Graph result = graph;
  for (const MeasuredLayer& each : layers) {
    const std::string& name = graph[weight_id(graph, each.layer)].name;
    if (!masks.contains(name)) continue;
    const std::vector<GroupMask> held = held_weights(masks, name, each.layer.form());
    replace_weights(result, graph, each, best_with_zeros(each.harm.errors, held, threads));
  }
  for (Value& value : result.values) {
    if (value.constant && value.constant->dtype() == DataType::kFloat) hold_zeros(value, masks);
  }
  return result;
}

EndJudge::EndJudge(const Graph& graph, const PassContext& context) : base_(graph), context_(context) {
  base_.outputs = last_values(graph, plan_storage(graph, context.settings), -1, NodeId{0}, kEnds);
  wanted_ = run_samples(base_, Engine::kFloat, context.samples, context.threads);
}

double EndJudge::noise(Graph graph) const {
  graph.outputs = base_.outputs;
  const auto got = run_samples(graph, Engine::kFloat, context_.samples, context_.threads);
  ErrorSums sums;
  for (size_t s = 0; s < got.size(); ++s) {
    for (size_t i = 0; i < got[s].size(); ++i) {
      if (is_floating(got[s][i].dtype())) sums.add(wanted_[s][i].to_float(), got[s][i].to_float());
    }
  }
  return sums.noise;
}

std::vector<double> EndJudge::gains(std::span<const MeasuredLayer> layers) const {
  std::vector<double> losses(layers.size(), 0.0), gains(layers.size(), 0.0);
  const auto errors =
      measure_variants(base_, Engine::kFloat, context_.samples, wanted_, context_.threads, [&](size_t node) {
        std::vector<Graph> variants;
        for (size_t i = 0; i < layers.size(); ++i) {
          if (index_of(layers[i].layer.id) != node) continue;
          const Probe probed = probe(layers[i].harm, context_.threads);
          losses[i] = probed.loss;
          replace_weights(variants.emplace_back(base_), base_, layers[i], probed.weights);
        }
        return variants;
      });
  std::vector<size_t> seen(base_.nodes.size(), 0);
  for (size_t i = 0; i < layers.size(); ++i) {
    const size_t node = index_of(layers[i].layer.id);
    const ErrorSums& end = errors[node][seen[node]++];
    gains[i] = losses[i] > 0 ? end.noise / losses[i] : 0;
  }
  return gains;
}

}  // namespace tinyc
