// prune-channels: takes whole channels out, and hidden units of recurrent layers, with all that depends on them.
// How: pass/prune_structures.h. Source: what channels cost is ZipLM's measure (src/quant/channel_surgeon.h).
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/prune_structures.h"

namespace tinyc {
namespace {

struct Options {
  double share = 0.5;
};
constexpr Opt<Options> kOptions[] = {{"share", &Options::share, "of the multiply-accumulates that go"}};

bool run(Graph& graph, const Options& options, PassContext& context) {
  return prune_structures(graph, StructureKind::kChannel, options.share, context);
}

}  // namespace

extern constexpr PassDef k_prune_channels = make_pass<Options, kOptions, run>(
    "prune-channels", "take out channels that the model can do without", Contract::kLossy, Stage::kPrune);

}  // namespace tinyc
