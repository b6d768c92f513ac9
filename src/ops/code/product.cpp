#include "ops/code/product.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/code/channel_table.h"
#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "ops/code/table.h"
#include "tinyc/base/error.h"
#include "tinyc/coding/entropy.h"

namespace tinyc {
namespace {

constexpr KernelDef kExpandChannels = TINYC_KERNEL(tc_expand_channels_s8, "channels_s8.h");

template <typename T>
CallArg constant(CodeContext& context, std::string_view role, const std::vector<T>& values,
                 const WeightForm& form = {}) {
  return context.data(role, Tensor::of<T>({static_cast<int64_t>(values.size())}, values), form);
}

// The bias of each output in steps of s_in * s_w.
std::vector<int64_t> read_bias(const CodeContext& context, int operand, std::span<const double> steps) {
  std::vector<int64_t> bias(steps.size(), 0);
  if (!context.has_input(operand)) return bias;
  const Tensor* tensor = context.constant(operand);
  if (tensor == nullptr) context.refuse("its bias is computed");
  const int64_t size = tensor->size();
  if (size != 1 && std::cmp_not_equal(size, steps.size())) context.refuse("its bias has another size than its result");
  const auto idx = [&](size_t o) { return size == 1 ? 0 : o; };
  if (const QParams* params = context.params(operand); params != nullptr && tensor->dtype() == params->storage) {
    const std::vector<int64_t> stored = tensor->to_int64();
    for (size_t o = 0; o < steps.size(); ++o) {
      const double scale = params->scales[params->scales.size() == 1 ? 0 : o];
      const int64_t zero_point = params->zero_points[params->zero_points.size() == 1 ? 0 : o];
      const auto integer = static_cast<double>(stored[idx(o)] - zero_point);
      // Scales agree up to the rounding of their product to float.
      bias[o] = std::abs(scale / steps[o] - 1) < 1e-5 ? stored[idx(o)] - zero_point
                                                      : std::llround(integer * scale / steps[o]);
    }
    return bias;
  }
  const std::vector<float> real = tensor->to_float();
  for (size_t o = 0; o < steps.size(); ++o) bias[o] = std::llround(static_cast<double>(real[idx(o)]) / steps[o]);
  return bias;
}

// Rows of int8 as kernels read them, values times 2^shift, and the sum and the sum of magnitudes of each.
struct Rows {
  std::vector<int8_t> bytes;
  std::vector<int64_t> sums, magnitudes;
};

Rows make_rows(const WeightRows& weights, int shift) {
  Rows rows;
  rows.bytes.assign(static_cast<size_t>(weights.outputs * weights.stride()), 0);
  for (int64_t o = 0; o < weights.outputs; ++o) {
    int64_t sum = 0;
    int64_t magnitude = 0;
    for (int64_t k = 0; k < weights.inputs; ++k) {
      const int32_t w = weights.value(o, k) * (1 << shift);
      rows.bytes[static_cast<size_t>(o * weights.stride() + k)] = static_cast<int8_t>(w);
      sum += w;
      magnitude += std::abs(w);
    }
    rows.sums.push_back(sum);
    rows.magnitudes.push_back(magnitude);
  }
  return rows;
}

// Biases with the input's zero point folded in; nothing when a sum does not fit 32 bits.
std::optional<std::vector<int32_t>> fold_biases(const CodeContext& context, int bias, const Rows& rows,
                                                std::span<const double> steps) {
  const std::vector<int64_t> biases = read_bias(context, bias, steps);
  const int64_t zero_point = context.grid(0).zero_point;
  std::vector<int32_t> folded;
  for (size_t o = 0; o < biases.size(); ++o) {
    const int64_t sum = biases[o] - zero_point * rows.sums[o];
    if (std::abs(sum) + 128 * rows.magnitudes[o] > std::numeric_limits<int32_t>::max()) return {};
    folded.push_back(static_cast<int32_t>(sum));
  }
  return folded;
}

struct Sums {
  Rows rows;
  std::vector<double> steps;    // of each output's sum
  std::vector<int32_t> biases;  // folded
};

std::optional<Sums> make_sums(const CodeContext& context, const WeightRows& weights, int bias, int shift) {
  Sums sums{make_rows(weights, shift), {}, {}};
  for (const double scale : weights.scales) {
    sums.steps.push_back(std::ldexp(static_cast<double>(context.grid(0).scale) * scale, -shift));
  }
  auto biases = fold_biases(context, bias, sums.rows, sums.steps);
  if (!biases) return {};
  sums.biases = std::move(*biases);
  return sums;
}

// Pairs of bias and multiplier.
std::vector<int32_t> make_channels(const CodeContext& context, const Sums& sums, std::span<const double> ratios,
                                   std::span<const int32_t> multipliers, int left) {
  std::vector<int32_t> channels;
  for (size_t o = 0; o < sums.biases.size(); ++o) {
    // What the shift to the left cuts off is beyond int8 (|q - zero_point| <= 255), or nothing.
    const int32_t most = std::numeric_limits<int32_t>::max() >> left;
    const int64_t reached = std::abs(int64_t{sums.biases[o]}) + 128 * sums.rows.magnitudes[o];
    if (reached > most && std::ldexp(most * ratios[o], left) < 256) {
      context.refuse("the grid of its result is too fine for its products");
    }
    channels.push_back(sums.biases[o]);
    channels.push_back(multipliers[o]);
  }
  return channels;
}

PackedLayer layer_of(const WeightMatrix& matrix) {
  PackedLayer layer;
  layer.outputs = matrix.outputs;
  layer.taps = matrix.taps;
  layer.channels = matrix.inputs / matrix.taps;
  return layer;
}

int64_t bytes_of(const PackedRows& packed) {
  return static_cast<int64_t>(4 * packed.words.size() + packed.factors.size());
}

// Chooses how the weights are stored: in the fewest bytes of int8, of few bits, and of the coders that the program may
// use. `shift`: by how much the kernel's bytes are shifted.
void store_weights(CodeContext& context, const WeightMatrix& matrix, const WeightRows& weights,
                   const std::optional<PackedRows>& packed, std::span<const int8_t> plain, int shift,
                   ProductCode& code) {
  const int64_t bytes = packed ? bytes_of(*packed) : static_cast<int64_t>(plain.size());
  WeightForm form{.coding = "int8", .parts = {.values = bytes}, .entropy_bits = entropy_bits(weights.codes)};
  if (const auto coded = code_rows(weights, context.coders(), bytes)) {
    form.coding = coded->coder->name;
    form.parts = coded->coded.parts;
    code.packed = layer_of(matrix);
    code.packed->coder = coded->coder;
    code.packed->left = shift;
    code.packed->stream_bytes = static_cast<int64_t>(coded->coded.stream.size());
    code.packed->entries = coded->coded.entries;
    code.weights = constant<uint8_t>(context, "weights", coded->coded.stream, form);
    return;
  }
  if (!packed) {
    code.weights = constant<int8_t>(context, "weights", {plain.begin(), plain.end()}, form);
    return;
  }
  form.coding = packed->bits == 4 ? "int4" : "int2";
  form.parts = {.values = static_cast<int64_t>(4 * packed->words.size())};
  code.weights = constant<int32_t>(context, "weights", packed->words, form);
  code.packed = layer_of(matrix);
  code.packed->factors =
      packed->block == 0 ? context.scratch(0) : constant<uint8_t>(context, "factors", packed->factors);
  code.packed->bits = packed->bits;
  code.packed->block = packed->block;
  code.packed->unit_rows = packed->unit_rows;
}

// Where weights may be coded, tables that have a short form are stored so and brought back before each run.
CallArg store_channels(CodeContext& context, const std::vector<int32_t>& channels) {
  const std::optional<ShortChannels> shorter = context.coders().empty() ? std::nullopt : shorten_channels(channels);
  if (!shorter) return constant<int32_t>(context, "channels", channels);
  const Temporary table = make_temporary(context, static_cast<int64_t>(channels.size() * sizeof(int32_t)));
  context.call(kExpandChannels,
               {constant<int16_t>(context, "channels", shorter->words), context.number(shorter->multiplier),
                context.number(shorter->below), context.number(shorter->unit), table.write,
                context.number(static_cast<int64_t>(shorter->words.size()))});
  return table.read;
}

}  // namespace

ProductCode make_product(CodeContext& context, const WeightMatrix& matrix, int bias) {
  if (!context.is_integer(0) || !context.is_result_integer()) context.refuse("its data are not 8-bit integers");
  const Grid out = context.result_grid();
  const WeightRows weights = read_weight_rows(context, matrix);
  std::optional<PackedRows> packed;
  if (context.packs_weights()) packed = pack_rows(weights);
  int shift = spare_bits(weights);
  std::optional<Sums> sums = make_sums(context, weights, bias, shift);
  if (!sums) {
    packed.reset();
    shift = 0;
    sums = make_sums(context, weights, bias, shift);
  }
  if (!sums) context.refuse("its sums do not fit 32 bits");
  std::vector<double> ratios;
  for (const double step : sums->steps) ratios.push_back(step / static_cast<double>(out.scale));
  const int left = shift_below(ratios);
  const Requantization requantization = requantize_by(ratios, out.zero_point);
  const std::vector<int32_t> channels = make_channels(context, *sums, ratios, requantization.multipliers, left);
  ProductCode code{.weights = {},
                   .packed = {},
                   .channels = store_channels(context, channels),
                   .rounding = context.number(requantization.rounding),
                   .shift = context.number(requantization.shift),
                   .low = context.number(out.low),
                   .high = context.number(out.high),
                   .left = left};
  store_weights(context, matrix, weights, packed, sums->rows.bytes, shift, code);
  return code;
}

}  // namespace tinyc
