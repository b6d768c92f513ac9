// The forms in which a compressed model is written.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tinyc/ir/graph.h"

namespace tinyc {

struct EmitterDef {
  std::string_view name;     // "onnx": the value of --emit
  std::string_view summary;  // one line, for `tinyc list emitters`
  // The bytes of the file; the graph carries annotations and packed weights.
  std::string (*emit)(const Graph& graph);
};

std::span<const EmitterDef* const> all_emitters();
// Throws Error(kUsage) with a spelling hint when there is no such emitter.
const EmitterDef& require_emitter(std::string_view name);

}  // namespace tinyc
