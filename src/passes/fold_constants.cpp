// fold-constants: nodes whose operands are all constants are computed now.
//
// An If whose condition is known by then is replaced by the branch that it takes, and folding goes on in it.
//
// A value that computes a shape may be known though its operands are not: inference says so, and that is folded too.
//
// Random ops are left alone, and so is a node whose result would be larger than `max-bytes` while its operands are not:
// a ConstantOfShape that fills a gigabyte is better computed when it is needed. Integer shape arithmetic disappears
// here, so that later stages see every shape that can be known. Source of the semantics: each op's reference
// evaluation.
#include "tinyc/ops/infer.h"
#include "tinyc/pass/fold_nodes.h"
#include "tinyc/pass/inline_if.h"
#include "tinyc/pass/make_pass.h"

namespace tinyc {
namespace {

struct Options {
  int64_t max_bytes = int64_t{16} << 20;
};
constexpr Opt<Options> kOptions[] = {
    {"max-bytes", &Options::max_bytes, "leave a node alone when its result is larger than this and than its operands"}};

bool run(Graph& graph, const Options& options, PassContext& context) {
  bool changed = fold_nodes(graph, options.max_bytes, context);
  while (inline_constant_ifs(graph)) {
    infer_types(graph);
    context.count("branches decided");
    fold_nodes(graph, options.max_bytes, context);
    changed = true;
  }
  if (changed) remove_dead(graph);
  return changed;
}

}  // namespace

extern constexpr PassDef k_fold_constants = make_pass<Options, kOptions, run>(
    "fold-constants", "compute nodes whose operands are constants", Contract::kExact, Stage::kNormalize);

}  // namespace tinyc
