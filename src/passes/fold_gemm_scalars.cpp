// fold-gemm-scalars: Gemm's alpha and beta go into its constant weight and bias, and a bias of any shape that means one
// number a column ([1,n], scalar, [1]) becomes [n]. Integer runtimes know neither scalars nor other bias shapes.
//   alpha A B + beta C  =  A (alpha B) + (beta C)
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

Tensor scaled(const Tensor& tensor, float factor) {
  Tensor result = Tensor::zeros(DataType::kFloat, tensor.dims());
  const auto in = tensor.data<float>();
  const auto out = result.mutable_data<float>();
  for (size_t i = 0; i < in.size(); ++i) out[i] = in[i] * factor;
  return result;
}

bool fold_alpha(Graph& graph, NodeId id) {
  const float alpha = float_attr(graph[id], "alpha");
  const Tensor* weight = plain_constant(graph, graph[id], 1);
  if (alpha == 1.0F || weight == nullptr || weight->dtype() != DataType::kFloat) return false;
  const std::string name = graph[operand(graph[id], 1)].name;
  set_operand(graph, id, 1, name, scaled(*weight, alpha));
  graph[id].attributes["alpha"] = 1.0F;
  return true;
}

bool fold_bias(Graph& graph, NodeId id) {
  const float beta = float_attr(graph[id], "beta");
  const Tensor* bias = plain_constant(graph, graph[id], 2);
  const Shape& out = graph[graph[id].outputs[0]].type.shape;
  if (bias == nullptr || bias->dtype() != DataType::kFloat || !out.ranked() || out.rank() != 2 || !out[1].known()) {
    return false;
  }
  const int64_t columns = out[1].value;
  const bool one_row = bias->rank() < 2 || bias->dims()[0] == 1;
  const bool fits = bias->size() == columns || bias->size() == 1;
  if (!one_row || !fits || (beta == 1.0F && bias->dims() == Dims{columns})) return false;
  std::vector<float> row = scaled(*bias, beta).to_float();
  row.resize(static_cast<size_t>(columns), row.front());
  const std::string name = graph[operand(graph[id], 2)].name;
  set_operand(graph, id, 2, name, Tensor::of<float>({columns}, row));
  graph[id].attributes["beta"] = 1.0F;
  return true;
}

bool run(Graph& graph, PassContext& context) {
  bool changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!is_op(graph.nodes[i], "Gemm")) continue;
    const bool alpha = fold_alpha(graph, NodeId(i));
    const bool bias = fold_bias(graph, NodeId(i));
    if (alpha || bias) context.count("folded");
    changed = changed || alpha || bias;
  }
  if (changed) remove_dead(graph);
  return changed;
}

}  // namespace

extern constexpr PassDef k_fold_gemm_scalars =
    make_pass<run>("fold-gemm-scalars", "fold Gemm's alpha and beta into its constants, bias to one dim",
                   Contract::kRounding, Stage::kRewrite);

}  // namespace tinyc
