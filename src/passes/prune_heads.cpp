// prune-heads: takes heads of attentions out, with their queries, keys and values.
//
// A head costs what the output projection loses without its columns, when those of the other heads make up for it.
// How: pass/prune_structures.h. Source of the idea: Michel et al., Are Sixteen Heads Really Better than One?, 2019
// (arXiv:1905.10650), who judge by gradients.
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/prune_structures.h"

namespace tinyc {
namespace {

struct Options {
  double share = 0.25;
};
constexpr Opt<Options> kOptions[] = {{"share", &Options::share, "of the heads that go"}};

bool run(Graph& graph, const Options& options, PassContext& context) {
  return prune_structures(graph, StructureKind::kHead, options.share, context);
}

}  // namespace

extern constexpr PassDef k_prune_heads = make_pass<Options, kOptions, run>(
    "prune-heads", "take out heads of attentions that the model can do without", Contract::kLossy, Stage::kPrune);

}  // namespace tinyc
