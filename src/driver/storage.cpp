#include "tinyc/driver/storage.h"

#include <algorithm>
#include <bitset>

#include "tinyc/coding/choose_coding.h"
#include "tinyc/coding/entropy.h"
#include "tinyc/driver/inspect.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/integer_layer.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

constexpr double kBitsOfAByte = 8;

// Rows are output channels; in a row the taps of a window, and of each tap its inputs, as kernels read them.
struct Levels {
  std::vector<int8_t> levels;
  int64_t rows = 0;
};

Levels levels_of(const Value& weight, const std::optional<WeightAxes>& axes) {
  const std::vector<int64_t> integers = stored_integers(weight);
  const Dims& dims = weight.constant->dims();
  Levels result{std::vector<int8_t>(integers.size()), dims.empty() ? 1 : dims[0]};
  const auto at = [&](size_t i) { return static_cast<int8_t>(integers[i]); };
  if (!axes || axes->groups != 1) {
    for (size_t i = 0; i < integers.size(); ++i) result.levels[i] = at(i);
    return result;
  }
  result.rows = axes->outputs();
  const auto taps = static_cast<size_t>(weight.constant->size() / (axes->outputs() * axes->inputs()));
  const auto inputs = static_cast<size_t>(axes->inputs());
  for (size_t i = 0; i < integers.size(); ++i) {
    const auto element = static_cast<int64_t>(i);
    const size_t tap = axes->convolution ? i % taps : 0;
    const auto row = static_cast<size_t>(axes->output_of(element)),
               input = static_cast<size_t>(axes->input_of(element));
    result.levels[(row * taps + tap) * inputs + input] = at(i);
  }
  return result;
}

bool has_levels(const Value& value) {
  if (!value.constant || value.constant->size() == 0) return false;
  const QParams* params = linear_params(value);
  return params != nullptr && params->storage != DataType::kInt32 && params->q_min >= -128 && params->q_max <= 127;
}

// Calls visit(node, matrix) for every weight, once.
template <typename Visit>
void for_each_matrix(const Graph& packed, Visit visit) {
  std::vector<bool> counted(packed.values.size(), false);
  for (const Node& node : packed.nodes) {
    if (node.op == nullptr) continue;
    for (const int operand : node.op->quant.weights) {
      if (operand < 0 || operand >= static_cast<int>(node.inputs.size())) continue;
      const ValueId id = node.inputs[static_cast<size_t>(operand)];
      if (id == kNoValue || counted[index_of(id)] || !has_levels(packed[id])) continue;
      counted[index_of(id)] = true;
      visit(node, levels_of(packed[id], operand == 1 ? weight_axes(node, packed[id].constant->dims()) : std::nullopt));
    }
  }
}

int64_t zeros_of(const Levels& matrix) {
  return std::count(matrix.levels.begin(), matrix.levels.end(), int8_t{0});
}

int64_t levels_in_use(const Levels& matrix) {
  std::bitset<256> used;
  for (const int8_t level : matrix.levels) used.set(static_cast<uint8_t>(level));
  return static_cast<int64_t>(used.count());
}

}  // namespace

std::vector<StoredLayer> stored_layers(const Graph& packed) {
  std::vector<StoredLayer> layers;
  for_each_matrix(packed, [&](const Node& node, const Levels& matrix) {
    const auto count = static_cast<int64_t>(matrix.levels.size());
    const StoredLevels stored = choose_coding({matrix.levels, matrix.rows, count / matrix.rows});
    layers.push_back({node.name, count, zeros_of(matrix), levels_in_use(matrix), std::string(stored.name()),
                      stored.parts, entropy_bits(matrix.levels) / kBitsOfAByte});
  });
  return layers;
}

int64_t bytes_saved_by_coding(const Graph& packed) {
  int64_t saved = summarize(packed).weight_bytes;
  for (const StoredLayer& layer : stored_layers(packed)) saved -= layer.parts.total();
  return saved;
}

std::map<std::string, int64_t> bytes_by_layer(const Graph& packed, bool coded) {
  std::map<std::string, int64_t> bytes;
  if (coded) {
    for (const StoredLayer& layer : stored_layers(packed)) bytes[layer.name] += layer.parts.total();
  } else {
    for (const LayerSummary& layer : summarize(packed).layers) bytes[layer.name] = layer.weight_bytes;
  }
  return bytes;
}

}  // namespace tinyc
