// Weights of a product as a coder's stream, and the device decoder that reads it.
#pragma once

#include <optional>

#include "ops/code/weight_rows.h"
#include "tinyc/ops/code.h"

namespace tinyc {

struct CodedRows {
  const CoderDef* coder = nullptr;
  CodedLevels coded;
};

// A stream is worth its call where it takes so many bytes less: about what opening it takes as code.
inline constexpr int64_t kLeastSavedByCoding = 64;

// The smallest stream of `coders`; nothing where it does not save enough of `bytes` to be worth its call, or where the
// rows have factors.
std::optional<CodedRows> code_rows(const WeightRows& rows, std::span<const CoderDef* const> coders, int64_t bytes);

// Kernels that compute with a coder's stream as it is. They take {in, out, scratch (not dense), stream, channels, bytes
// of the stream, sizes and grid as the plain kernel, the shift of the sums}; null: rows are decoded in front.
struct StreamKernels {
  const KernelDef* dense = nullptr;      // one position
  const KernelDef* pointwise = nullptr;  // scratch: 4 bytes an input
  const KernelDef* conv = nullptr;       // scratch: 8 bytes an input
  // Recurrent layers: arguments of the integer kernels, with the bytes of both streams in front of the sizes.
  const KernelDef* lstm = nullptr;
  const KernelDef* gru = nullptr;
};

// The device decoder of a coder: what opens a stream, and the bytes of its state.
struct DecoderCode {
  std::string_view coder;
  KernelDef open;  // (stream, state, bytes of the stream)
  int64_t state_bytes;
  StreamKernels kernels = {};
};
const DecoderCode& decoder_of(const CoderDef& coder);

}  // namespace tinyc
