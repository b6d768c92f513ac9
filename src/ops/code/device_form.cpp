#include "ops/code/bindings.h"
#include "tinyc/ops/op.h"

namespace tinyc {

std::string_view device_form(const OpDef& op) {
  if (op.code == nullptr) return "-";
  // Indices of extremes are found among integers; the index itself is on no grid.
  if (op.code == code_arg_max || op.code == code_arg_min) return "integer";
  return op.quant.kind == QuantKind::kFloat || op.quant.kind == QuantKind::kWeightsOnly ? "float" : "integer";
}

}  // namespace tinyc
