// Small float graphs that between them have something for every pass, and their quantized forms.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/pass/context.h"
#include "tinyc/pass/pass.h"
#include "tinyc/quant/ranges.h"
#include "tinyc/quant/statistics.h"
#include "unit/graph_builder.h"

namespace tinyc::testing {

struct NamedGraph {
  std::string name;
  Graph graph;
};

inline Graph separable_convolutions() {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 3, 8, 8});
  const ValueId conv = b.node("Conv", {x, b.random("w1", {8, 3, 3, 3}, 0.3F), b.random("b1", {8}, 0.2F)},
                              {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  const ValueId normalized = b.node(
      "BatchNormalization", {conv, b.constant("gamma", {8}, std::vector<float>(8, 0.7F)), b.random("beta", {8}, 0.1F),
                             b.random("mean", {8}, 0.1F), b.constant("variance", {8}, std::vector<float>(8, 1.3F))});
  const ValueId relu = b.node("Relu", {normalized});
  const ValueId pads = b.constant("pads", Tensor::of<int64_t>({8}, std::vector<int64_t>{0, 0, 1, 1, 0, 0, 1, 1}));
  const ValueId depthwise =
      b.node("Conv", {b.node("Pad", {relu, pads}), b.random("w2", {8, 1, 3, 3}, 2.0F), b.random("b2", {8}, 0.2F)},
             {{"group", int64_t{8}}});
  const ValueId clipped =
      b.node("Clip", {depthwise, b.constant("low", Tensor::scalar(0.0F)), b.constant("high", Tensor::scalar(6.0F))});
  const ValueId pointwise = b.node("Conv", {clipped, b.random("w3", {4, 8, 1, 1}, 0.1F)});
  const ValueId shifted = b.node("Add", {pointwise, b.random("b3", {1, 4, 1, 1})});
  return b.finish({b.node("GlobalAveragePool", {shifted})});
}

inline Graph classifier() {
  GraphBuilder b;
  const ValueId x = b.input("x", {3, 2, 6, 6});
  const ValueId pooled =
      b.node("MaxPool", {x}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const ValueId flat = b.node("Flatten", {b.node("Identity", {pooled})});
  const ValueId hidden = b.node("Gemm", {flat, b.random("w1", {10, 18}, 0.5F), b.random("b1", {1, 10})},
                                {{"transB", int64_t{1}}, {"alpha", 0.5F}, {"beta", 2.0F}});
  const ValueId product = b.node("MatMul", {b.node("Relu", {hidden}), b.random("w2", {10, 5}, 0.5F)});
  return b.finish({b.node("Softmax", {b.node("Add", {product, b.random("b2", {5})})})});
}

inline Graph branches() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4, 6, 6});
  const AttributeList pads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  const ValueId left = b.node("Conv", {x, b.random("w1", {4, 4, 3, 3}, 0.3F)}, pads);
  const ValueId sum = b.node("Relu", {b.node("Add", {b.node("LeakyRelu", {left}, {{"alpha", 0.1F}}), x})});
  const ValueId right = b.node("Relu", {b.node("Conv", {sum, b.random("w2", {4, 4, 3, 3}, 0.3F)}, pads)});
  const ValueId joined = b.node("Concat", {sum, right}, {{"axis", int64_t{1}}});
  const ValueId gate = b.node("Sigmoid", {b.node("GlobalAveragePool", {joined})});
  const ValueId gated = b.node("Mul", {joined, gate});
  const ValueId averaged = b.node("AveragePool", {gated}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  const ValueId shape = b.node("Concat",
                               {b.constant("n", Tensor::of<int64_t>({1}, std::vector<int64_t>{1})),
                                b.constant("rest", Tensor::of<int64_t>({1}, std::vector<int64_t>{-1}))},
                               {{"axis", int64_t{0}}});
  const ValueId moved = b.node("Transpose", {averaged}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
  return b.finish({b.node("Reshape", {moved, shape}), b.node("ArgMax", {gate}, {{"axis", int64_t{1}}})});
}

// Four of eight channels have no weights; their biases are negative (0 behind the Relu, with or without padding) in the
// first two and positive in the others.
inline Graph dead_channels() {
  GraphBuilder b;
  const AttributeList pads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  const ValueId x = b.input("x", {1, 3, 8, 8});
  Tensor w1 = GraphBuilder::random_tensor({8, 3, 3, 3}, 0.3F, 11),
         w2 = GraphBuilder::random_tensor({8, 1, 3, 3}, 0.3F, 12);
  for (int64_t i = 0; i < 4 * 27; ++i) w1.mutable_data<float>()[static_cast<size_t>(i)] = 0.0F;
  const std::vector<float> b1{-0.5F, -0.25F, 0.5F, 0.25F, 0.1F, -0.1F, 0.2F, 0.3F};
  const ValueId first = b.node("Relu", {b.node("Conv", {x, b.constant("w1", w1), b.constant("b1", {8}, b1)}, pads)});
  AttributeList depthwise = pads;
  depthwise["group"] = int64_t{8};
  const ValueId second = b.node("Conv", {first, b.constant("w2", w2), b.random("b2", {8}, 0.2F)}, depthwise);
  const ValueId third = b.node("Conv", {b.node("Relu", {second}), b.random("w3", {6, 8, 1, 1}, 0.3F)});
  return b.finish({b.node("GlobalAveragePool", {third})});
}

// Channels whose ranges lie octaves apart, and channels that never come near 0.
inline Graph uneven_channels() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4, 6, 6});
  Tensor w1 = GraphBuilder::random_tensor({8, 4, 1, 1}, 0.5F, 21);
  for (int64_t i = 0; i < w1.size(); ++i) {
    w1.mutable_data<float>()[static_cast<size_t>(i)] *= std::exp2(static_cast<float>(-(i / 4)));
  }
  const ValueId first = b.node("Relu", {b.node("Conv", {x, b.constant("w1", w1), b.random("b1", {8}, 0.01F)})});
  const std::vector<float> raised{9.0F, 0.0F, 8.0F, 0.0F, 7.0F, 0.0F};
  const ValueId second =
      b.node("Relu", {b.node("Conv", {first, b.random("w2", {6, 8, 1, 1}, 0.5F), b.constant("b2", {6}, raised)})});
  return b.finish({b.node("Conv", {second, b.random("w3", {4, 6, 3, 3}, 0.3F)})});
}

// Four heads of two numbers each, and a residual sum.
inline Graph attention() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 6, 8});
  const auto heads = [&](const std::string& name, const std::vector<int64_t>& order) {
    const ValueId made =
        b.node("Add", {b.node("MatMul", {x, b.random("w" + name, {8, 8}, 0.5F)}), b.random("b" + name, {8})});
    const ValueId split = b.constant("heads", Tensor::of<int64_t>({4}, std::vector<int64_t>{0, 0, 4, 2}));
    return b.node("Transpose", {b.node("Reshape", {made, split})}, {{"perm", order}});
  };
  const ValueId q = heads("q", {0, 2, 1, 3}), k = heads("k", {0, 2, 3, 1}), v = heads("v", {0, 2, 1, 3});
  const ValueId mixed = b.node("MatMul", {b.node("Softmax", {b.node("MatMul", {q, k})}), v});
  const ValueId whole = b.constant("whole", Tensor::of<int64_t>({3}, std::vector<int64_t>{0, 0, 8}));
  const ValueId moved = b.node("Transpose", {mixed}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  const ValueId joined = b.node("MatMul", {b.node("Reshape", {moved, whole}), b.random("wo", {8, 8}, 0.5F)});
  return b.finish({b.node("Add", {joined, x})});
}

inline std::vector<NamedGraph> float_graphs() {
  return {{"separable convolutions", separable_convolutions()},
          {"classifier", classifier()},
          {"branches", branches()},
          {"dead channels", dead_channels()},
          {"uneven channels", uneven_channels()},
          {"attention", attention()}};
}

// One sample of every input of the graph; the same for the same seed.
inline Sample random_sample(const Graph& graph, uint64_t seed) {
  Sample sample;
  for (ValueId id : graph.inputs) {
    sample.push_back(GraphBuilder::random_tensor(*graph[id].type.shape.known_dims(), 1.0F, ++seed));
  }
  return sample;
}

// A context with the statistics of a few random samples of a float graph.
class CalibratedContext {
 public:
  explicit CalibratedContext(const Graph& graph, const QuantizationSettings& settings = {}) : graph_(graph) {
    context.settings = settings;
    context.reference = &graph_;
    for (uint64_t seed = 100; seed <= 1200; seed += 100) context.samples.push_back(random_sample(graph, seed));
    Program::Options options;
    for (size_t i = 0; i < graph.values.size(); ++i) {
      const Value& value = graph.values[i];
      if (!value.constant && value.type.dtype == DataType::kFloat) options.observed.push_back(ValueId(i));
    }
    const Program program(graph, options);
    Workspace workspace;
    for (const Sample& sample : context.samples) {
      static_cast<void>(program.run(sample, workspace, [&](ValueId id, const Tensor& tensor) {
        ValueStatistics& statistics = statistics_.values[graph[id].name];
        statistics.recent.push_back(statistics.histogram.add(tensor.data<float>()));
      }));
    }
    statistics_.samples = context.samples.size();
    context.statistics = &statistics_;
  }
  CalibratedContext(const CalibratedContext&) = delete;
  CalibratedContext& operator=(const CalibratedContext&) = delete;

  PassContext context;

 private:
  Graph graph_;
  Statistics statistics_;
};

// Runs a pass as the pipeline would.
inline bool run_pass(Graph& graph, std::string_view name, PassContext& context,
                     const std::map<std::string, OptionValue>& options = {}) {
  const PassDef* pass = find_pass(name);
  TINYC_CHECK(pass != nullptr);
  context.pass = name;
  const bool changed = pass->run(graph, pass->parse(options), context);
  infer_types(graph);
  return changed;
}

// The graph as it is before calibration: folded to what gets annotated.
inline Graph folded(Graph graph) {
  PassContext context;
  for (std::string_view pass :
       {"fold-constants", "remove-identities", "fold-batchnorm", "fold-pad", "fold-gemm-scalars", "fold-bias"}) {
    run_pass(graph, pass, context);
  }
  return graph;
}

// Annotated and packed from random samples.
inline Graph quantized(const Graph& graph, const QuantizationSettings& settings = {}) {
  Graph result = folded(graph);
  CalibratedContext calibrated(result, settings);
  run_pass(result, "annotate", calibrated.context);
  run_pass(result, "pack-constants", calibrated.context);
  return result;
}

}  // namespace tinyc::testing
