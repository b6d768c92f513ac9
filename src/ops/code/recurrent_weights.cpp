// Where the weights of a recurrent layer may be coded, a coder is of use whose stream can be computed with as it is:
// every step reads all weights, and decoding them each time takes longer than the layer, while the arena has seldom
// room for all of them. One kernel takes both matrices, so that both are stored alike.
#include "ops/code/recurrent_weights.h"

#include <cmath>
#include <utility>

#include "ops/code/coded_weights.h"
#include "tinyc/coding/entropy.h"

namespace tinyc {
namespace {

WeightForm form_of(const RecurrentMatrix& matrix, std::string_view coding, const ByteParts& parts) {
  return {.coding = coding, .parts = parts, .entropy_bits = entropy_bits(matrix.rows.codes)};
}

Tensor padded_rows(const WeightRows& rows) {
  std::vector<int8_t> bytes(static_cast<size_t>(rows.outputs * rows.stride()), 0);
  for (int64_t row = 0; row < rows.outputs; ++row) {
    for (int64_t k = 0; k < rows.inputs; ++k) {
      bytes[static_cast<size_t>(row * rows.stride() + k)] = rows.codes[static_cast<size_t>(row * rows.inputs + k)];
    }
  }
  return Tensor::of<int8_t>({rows.outputs, rows.stride()}, bytes);
}

CallArg store_plain(CodeContext& context, std::string_view role, const RecurrentMatrix& matrix) {
  Tensor rows = padded_rows(matrix.rows);
  const ByteParts parts{.values = static_cast<int64_t>(rows.byte_size())};
  return context.data(role, std::move(rows), form_of(matrix, "int8", parts));
}

CallArg store_stream(CodeContext& context, std::string_view role, const RecurrentMatrix& matrix,
                     std::string_view coding, const CodedLevels& coded) {
  const auto size = static_cast<int64_t>(coded.stream.size());
  return context.data(role, Tensor::of<uint8_t>({size}, coded.stream), form_of(matrix, coding, coded.parts));
}

struct CodedMatrices {
  const CoderDef* coder = nullptr;
  CodedLevels w, r;
  int64_t bytes() const { return w.parts.total() + r.parts.total(); }
};

std::optional<CodedMatrices> code_matrices(std::span<const CoderDef* const> coders, const WeightRows& w,
                                           const WeightRows& r, int64_t plain_bytes) {
  std::optional<CodedMatrices> best;
  for (const CoderDef* coder : coders) {
    if (decoder_of(*coder).kernels.lstm == nullptr) continue;
    CodedMatrices coded{coder, coder->encode({w.codes, w.outputs, w.inputs}),
                        coder->encode({r.codes, r.outputs, r.inputs})};
    if (coded.w.entries == 0 || coded.r.entries == 0) continue;
    const int64_t most = best ? best->bytes() - 1 : plain_bytes - 2 * kLeastSavedByCoding;
    if (coded.bytes() <= most) best = std::move(coded);
  }
  return best;
}

}  // namespace

std::optional<RecurrentMatrix> read_recurrent_matrix(CodeContext& context, int operand, int64_t direction) {
  RecurrentRows stored = recurrent_rows(context, operand, direction);
  if (stored.scales.empty()) return std::nullopt;
  RecurrentMatrix matrix;
  WeightRows& rows = matrix.rows;
  const auto codes = stored.data.data<int8_t>();
  rows.outputs = std::ssize(stored.scales);
  rows.inputs = std::ssize(codes) / rows.outputs;
  rows.codes.assign(codes.begin(), codes.end());
  rows.scales.assign(stored.scales.begin(), stored.scales.end());
  for (int64_t row = 0; row < rows.outputs; ++row) {
    double sum = 0;
    double magnitude = 0;
    for (int64_t k = 0; k < rows.inputs; ++k) {
      sum += rows.value(row, k);
      magnitude += std::abs(rows.value(row, k));
    }
    matrix.sums.push_back(sum);
    matrix.magnitudes.push_back(magnitude);
  }
  return matrix;
}

const KernelDef* StoredMatrices::kernel(bool is_lstm) const {
  if (coder == nullptr) return nullptr;
  const StreamKernels& kernels = decoder_of(*coder).kernels;
  return is_lstm ? kernels.lstm : kernels.gru;
}

StoredMatrices store_matrices(CodeContext& context, const RecurrentMatrix& w, const RecurrentMatrix& r) {
  const int64_t plain = w.rows.outputs * w.rows.stride() + r.rows.outputs * r.rows.stride();
  const auto coded = code_matrices(context.coders(), w.rows, r.rows, plain);
  if (!coded) return {.w = store_plain(context, "w", w), .r = store_plain(context, "r", r), .products = plain};
  const std::string_view coding = coded->coder->name;
  return {.w = store_stream(context, "w", w, coding, coded->w),
          .r = store_stream(context, "r", r, coding, coded->r),
          .coder = coded->coder,
          .w_bytes = std::ssize(coded->w.stream),
          .r_bytes = std::ssize(coded->r.stream),
          .products = coded->w.entries + coded->r.entries};
}

}  // namespace tinyc
