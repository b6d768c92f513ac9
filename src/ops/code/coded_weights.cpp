#include "ops/code/coded_weights.h"

#include <algorithm>
#include <utility>

#include "ops/code/kernels.h"
#include "tinyc/base/error.h"
#include "tinyc/coding/choose_coding.h"

namespace tinyc {
namespace {

constexpr KernelDef kDenseCodebook = TINYC_KERNEL(tc_dense_codebook_s8, "codebook_product_s8.h");
constexpr KernelDef kDenseRelative = TINYC_KERNEL(tc_dense_relative_s8, "relative_product_s8.h");
constexpr KernelDef kPointwiseRelative = TINYC_KERNEL(tc_pointwise_relative_s8, "relative_product_s8.h");
constexpr KernelDef kConvRelative = TINYC_KERNEL(tc_conv_relative_s8, "relative_product_s8.h");
constexpr KernelDef kLstmRelative = TINYC_KERNEL(tc_lstm_relative_s8, "recurrent_relative_s16.h");
constexpr KernelDef kGruRelative = TINYC_KERNEL(tc_gru_relative_s8, "recurrent_relative_s16.h");

constexpr DecoderCode kDecoders[] = {
    {"arithmetic", TINYC_KERNEL(tc_arithmetic_open, "arithmetic_s8.h"), sizeof(tc_arithmetic)},
    {"codebook", TINYC_KERNEL(tc_codebook_open, "codebook_s8.h"), sizeof(tc_codebook), {&kDenseCodebook}},
    {"huffman", TINYC_KERNEL(tc_huffman_open, "huffman_s8.h"), sizeof(tc_huffman)},
    {"relative",
     TINYC_KERNEL(tc_relative_open, "relative_s8.h"),
     sizeof(tc_relative),
     {&kDenseRelative, &kPointwiseRelative, &kConvRelative, &kLstmRelative, &kGruRelative}},
    {"sparse", TINYC_KERNEL(tc_sparse_open, "sparse_s8.h"), sizeof(tc_sparse)},
};

}  // namespace

std::optional<CodedRows> code_rows(const WeightRows& rows, std::span<const CoderDef* const> coders, int64_t bytes) {
  if (!rows.factors.empty() || coders.empty()) return {};
  StoredLevels stored = choose_coding({rows.codes, rows.outputs, rows.inputs}, coders);
  if (stored.coder == nullptr || stored.parts.total() + kLeastSavedByCoding > bytes) return {};
  return CodedRows{stored.coder, std::move(stored.coded)};
}

const DecoderCode& decoder_of(const CoderDef& coder) {
  const auto found = std::find_if(std::begin(kDecoders), std::end(kDecoders),
                                  [&](const DecoderCode& decoder) { return decoder.coder == coder.name; });
  TINYC_CHECK(found != std::end(kDecoders));
  return *found;
}

}  // namespace tinyc
