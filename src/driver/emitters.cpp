#include "tinyc/driver/emitters.h"

#include <algorithm>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/emit/lower.h"
#include "tinyc/onnx/export.h"

namespace tinyc {
namespace {

std::string emit_qdq(const Graph& graph) {
  return export_model(lower_to_qdq(graph));
}

std::string emit_qoperator(const Graph& graph) {
  return export_model(lower_to_qoperator(graph));
}

constexpr EmitterDef kQdq{"onnx", "ONNX with QuantizeLinear and DequantizeLinear pairs (QDQ)", emit_qdq};
constexpr EmitterDef kQOperator{"onnx-qoperator", "ONNX with operators on integers (QLinearConv, QGemm, ...)",
                                emit_qoperator};
constexpr const EmitterDef* kEmitters[] = {&kQdq, &kQOperator};

}  // namespace

std::span<const EmitterDef* const> all_emitters() {
  return kEmitters;
}

const EmitterDef& require_emitter(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kEmitters), std::end(kEmitters), [&](const auto* e) { return e->name == name; });
  if (found != std::end(kEmitters)) return **found;
  std::vector<std::string_view> names;
  for (const EmitterDef* emitter : kEmitters) names.push_back(emitter->name);
  throw Error(ErrorKind::kUsage, "emitter '" + std::string(name) + "' is not known", spelling_hint(name, names));
}

}  // namespace tinyc
