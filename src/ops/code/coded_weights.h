// Weights of a product as a coder's stream, and the device decoder that reads it.
#pragma once

#include <optional>

#include "ops/code/weight_rows.h"
#include "tinyc/ops/code.h"

namespace tinyc {

struct CodedRows {
  const CoderDef* coder = nullptr;
  std::vector<uint8_t> stream;
  ByteParts parts;
};

// The smallest stream of `coders`; nothing where it does not save enough of `bytes` to be worth its call, or where the
// rows have factors.
std::optional<CodedRows> code_rows(const WeightRows& rows, std::span<const CoderDef* const> coders, int64_t bytes);

// The device decoder of a coder: what opens a stream, and the bytes of its state.
struct DecoderCode {
  std::string_view coder;
  KernelDef open;  // (stream, state, bytes of the stream)
  int64_t state_bytes;
};
const DecoderCode& decoder_of(const CoderDef& coder);

}  // namespace tinyc
