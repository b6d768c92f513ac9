// pack-constants: every constant with an annotation becomes the integers that stand for it.
//
// From here the graph holds what will be stored: the simulated engine and the emitters read the integers back as
// (q - zero_point) * scale. Rounding: ir/linear_quantization.h. A constant that a repair pass has rounded already lies
// on its grid, and its integers come out as that pass chose them.
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/pass/make_pass.h"

namespace tinyc {
namespace {

bool run(Graph& graph, PassContext& context) {
  bool changed = false;
  for (Value& value : graph.values) {
    const QParams* params = linear_params(value);
    if (params == nullptr || !value.constant || value.constant->dtype() != value.type.dtype) continue;
    value.constant = quantize(*value.constant, *params);
    context.count("packed");
    changed = true;
  }
  return changed;
}

}  // namespace

extern constexpr PassDef k_pack_constants =
    make_pass<run>("pack-constants", "store annotated constants as integers", Contract::kLossy, Stage::kPack);

}  // namespace tinyc
