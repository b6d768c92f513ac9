#include "emit/quantize_nodes.h"

#include <limits>

#include "tinyc/base/error.h"
#include "tinyc/base/hash.h"
#include "tinyc/ops/op.h"

namespace tinyc {

ValueId add_like(Graph& graph, const Value& like, const std::string& name, DataType dtype) {
  Value value;
  value.name = graph.unique_name(name);
  value.type = {dtype, like.type.shape};
  return graph.add_value(std::move(value));
}

std::string stem_of(const std::string& name) {
  constexpr size_t kLong = 40, kDigits = 6;
  if (name.size() <= kLong) return name;
  const size_t end = name.find_last_of("/;:.");
  const std::string last = end == std::string::npos ? name : name.substr(end + 1);
  return last.substr(0, kLong - kDigits - 1) + "_" + hash_text(name).hex().substr(0, kDigits);
}

Stored add_stored_constant(Graph& graph, const Value& packed) {
  const QParams& params = std::get<QParams>(*packed.quant);
  TINYC_CHECK(packed.constant->dtype() == params.storage);
  const std::string name = stem_of(packed.name);
  const Tensor integers = *packed.constant;
  const ValueId stored = graph.add_constant(name + "_q", integers);
  return {stored, add_params(graph, name, params, integers.dims())};
}

bool implied_by_grid(const Graph& graph, const Node& node, const QParams& params) {
  if (node.op == nullptr || node.op->quant.kind != QuantKind::kClamp || params.axis >= 0) return false;
  const auto limit = [&](size_t idx, float otherwise) -> std::optional<float> {
    if (idx >= node.inputs.size() || node.inputs[idx] == kNoValue) return otherwise;
    const Value& value = graph[node.inputs[idx]];
    if (!value.constant || value.constant->dtype() != DataType::kFloat) return std::nullopt;
    return value.constant->data<float>()[0];
  };
  const bool is_relu = node.op->inputs.max == 1;
  const std::optional<float> low = is_relu ? 0.0F : limit(1, -std::numeric_limits<float>::infinity());
  const std::optional<float> high = limit(2, std::numeric_limits<float>::infinity());
  if (!low || !high) return false;
  const float grid_low = static_cast<float>(params.q_min - params.zero_points[0]) * params.scales[0];
  const float grid_high = static_cast<float>(params.q_max - params.zero_points[0]) * params.scales[0];
  const float slack = params.scales[0] * 0x1p-12F;  // the limit itself, a rounding of the scale away
  return grid_low >= *low - (*low == 0.0F ? 0.0F : slack) && grid_high <= *high + slack;
}

}  // namespace tinyc
