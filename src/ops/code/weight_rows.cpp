#include "ops/code/weight_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ir/scale_split.h"

namespace tinyc {
namespace {

constexpr int64_t kFewestPacked = 128;  // weights
constexpr int32_t kMostMagnitude = 127;

// The scales of one row's weights: one, or one for each weight where they lie in blocks.
class RowScales {
 public:
  RowScales(const CodeContext& context, const WeightMatrix& matrix)
      : matrix_(matrix),
        params_(*context.params(matrix.operand)),
        scale_of_(params_, context.constant(matrix.operand)->dims()) {
    const int64_t period = matrix.scale_period == 0 ? matrix.outputs : matrix.scale_period;
    const bool by_output = params_.scales.size() == 1 || std::cmp_equal(params_.scales.size(), period);
    if (params_.block == 0 && !by_output) {
      context.refuse("its weights have scales along another axis than that of the output channels");
    }
    period_ = params_.block != 0 || params_.scales.size() == 1 ? 0 : period;
  }

  size_t idx(int64_t output, int64_t input) const {
    if (params_.block == 0) return period_ == 0 ? 0 : static_cast<size_t>(output % period_);
    const int64_t element = matrix_.element(output, input);
    return element < 0 ? 0 : scale_of_(element);
  }

 private:
  const WeightMatrix& matrix_;
  const QParams& params_;
  ScaleIndex scale_of_;
  int64_t period_ = 0;
};

// Splits the scales of a row's blocks and adds the row to `rows`.
void add_block_scales(const CodeContext& context, const QParams& params, const RowScales& scales, int64_t output,
                      WeightRows& rows) {
  std::vector<float> of_row;
  int32_t largest = 1;
  for (int64_t k = 0; k < rows.inputs; ++k) {
    of_row.push_back(params.scales[scales.idx(output, k)]);
    largest = std::max(largest, std::abs(int32_t{rows.codes[static_cast<size_t>(output * rows.inputs + k)]}));
  }
  // Factors that packing has no room for are of no use where packing is possible.
  const int32_t half = largest <= 2 ? 2 : 8;
  auto split = split_scales(of_row, kMostMagnitude / std::max(half, largest));
  if (!split) split = split_scales(of_row, kMostMagnitude / largest);
  if (!split) context.refuse("its weights have scales for blocks of inputs that are no small multiples of one another");
  rows.factors.insert(rows.factors.end(), split->factors.begin(), split->factors.end());
  rows.scales.push_back(split->unit);
}

int bits_of_codes(const WeightRows& rows) {
  const auto [low, high] = std::minmax_element(rows.codes.begin(), rows.codes.end());
  if (*low >= -2 && *high <= 1) return 2;
  return *low >= -8 && *high <= 7 ? 4 : 8;
}

// Weights come as the kernels have them, rows padded.
void pack_runs(const WeightRows& rows, PackedRows& packed) {
  const int64_t unit = 128 / packed.bits;
  const int64_t size = rows.outputs * rows.stride();
  packed.unit_rows = unit / std::gcd(unit, rows.stride());
  packed.words.assign(static_cast<size_t>((size + unit - 1) / unit * 4), 0);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t input = i % rows.stride();
    if (input >= rows.inputs) continue;
    const auto code = static_cast<uint32_t>(rows.codes[static_cast<size_t>(i / rows.stride() * rows.inputs + input)]);
    const int64_t byte = i % 16;
    const auto shift = static_cast<uint32_t>(byte % 4 * 8 + i % unit / 16 * packed.bits);
    auto& word = packed.words[static_cast<size_t>(i / unit * 4 + byte / 4)];
    word = static_cast<int32_t>(static_cast<uint32_t>(word) | (code & ((1U << packed.bits) - 1)) << shift);
  }
}

// The longest run of equal factors that all of a tap's channels come in, as a block; 0: there is none.
int64_t find_block(const WeightRows& rows) {
  const int64_t channels = rows.inputs / rows.taps;
  int64_t block = 0;
  for (int64_t at = 0; at < rows.outputs * rows.inputs; ++at) {
    const int64_t channel = at % channels;
    const auto i = static_cast<size_t>(at);
    if (channel > 0 && rows.factors[i] != rows.factors[i - 1]) block = std::gcd(block, channel);
  }
  return block == 0 ? (channels + 15) / 16 * 16 : block;
}

bool pack_blocks(const WeightRows& rows, PackedRows& packed) {
  const int64_t channels = rows.inputs / rows.taps;
  const int64_t unit = 32 / packed.bits;
  const int32_t half = 1 << (packed.bits - 1);
  packed.block = find_block(rows);
  if (packed.block % 16 != 0) return false;
  if (*std::max_element(rows.factors.begin(), rows.factors.end()) > kMostMagnitude / half) return false;
  for (int64_t tap = 0; tap < rows.outputs * rows.taps; ++tap) {
    for (int64_t channel = 0; channel < (channels + unit - 1) / unit * unit; ++channel) {
      const auto at = static_cast<size_t>(tap * channels + channel);
      const bool exists = channel < channels;
      if (channel % unit == 0) packed.words.push_back(0);
      if (exists && channel % packed.block == 0) packed.factors.push_back(static_cast<uint8_t>(rows.factors[at]));
      const auto code = static_cast<uint32_t>(half + (exists ? rows.codes[at] : 0));
      const auto shift = static_cast<uint32_t>(channel % 4 * 8 + channel % unit / 4 * packed.bits);
      packed.words.back() = static_cast<int32_t>(static_cast<uint32_t>(packed.words.back()) | code << shift);
    }
  }
  return true;
}

}  // namespace

WeightRows read_weight_rows(const CodeContext& context, const WeightMatrix& matrix) {
  const Tensor* tensor = context.constant(matrix.operand);
  const QParams* params = context.params(matrix.operand);
  if (tensor == nullptr) context.refuse("its weights are computed");
  if (params == nullptr || tensor->dtype() != params->storage) context.refuse("its weights are not stored as integers");
  const RowScales scales(context, matrix);
  const std::vector<int64_t> values = tensor->to_int64();
  WeightRows rows{.outputs = matrix.outputs,
                  .inputs = matrix.inputs,
                  .taps = matrix.taps,
                  .codes = {},
                  .factors = {},
                  .scales = {}};
  for (int64_t o = 0; o < matrix.outputs; ++o) {
    for (int64_t k = 0; k < matrix.inputs; ++k) {
      const int64_t element = matrix.element(o, k);
      const int64_t zero_point = params->zero_points[scales.idx(o, k)];
      const int64_t w = element < 0 ? 0 : values[static_cast<size_t>(element)] - zero_point;
      if (w < -128 || w > 127) context.refuse("its weights less their zero point do not fit 8 bits");
      rows.codes.push_back(static_cast<int8_t>(w));
    }
    if (params->block != 0) {
      add_block_scales(context, *params, scales, o, rows);
    } else {
      rows.scales.push_back(static_cast<double>(params->scales[scales.idx(o, 0)]));
    }
  }
  return rows;
}

int spare_bits(const WeightRows& rows) {
  if (!rows.factors.empty()) return 0;
  if (const int bits = bits_of_codes(rows); bits < 8) return 8 - bits;
  const auto [low, high] = std::minmax_element(rows.codes.begin(), rows.codes.end());
  const int32_t largest = std::max(-int32_t{*low}, int32_t{*high});
  int spare = 0;
  while (largest << (spare + 1) <= kMostMagnitude) ++spare;
  return spare;
}

std::optional<PackedRows> pack_rows(const WeightRows& rows) {
  PackedRows packed;
  packed.bits = bits_of_codes(rows);
  if (packed.bits > 4 || rows.outputs * rows.inputs < kFewestPacked) return {};
  if (rows.factors.empty()) {
    pack_runs(rows, packed);
  } else if (!pack_blocks(rows, packed)) {
    return {};
  }
  return packed;
}

}  // namespace tinyc
