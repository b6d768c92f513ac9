// What the layers with constant weights have in common on a device: weights by rows, zero points folded into biases,
// multipliers, and the proof that 32 bits hold every sum.
#pragma once

#include <optional>

#include "ops/code/coded_weights.h"
#include "ops/code/geometry.h"
#include "ops/code/weight_rows.h"
#include "tinyc/ops/code.h"

namespace tinyc {

// How stored weights become bytes: by a coder, or unpacked by tc_unpack_s8 and tc_unpack_blocks_s8.
struct PackedLayer {
  const CoderDef* coder = nullptr;
  int64_t left = 0;          // of a coder's levels: they are shifted by so many bits
  int64_t stream_bytes = 0;  // of a coder
  int64_t entries = 0;       // of the stream, see CodedLevels
  CallArg factors;           // null where block is 0
  int64_t outputs = 0, taps = 1, channels = 0, bits = 8, block = 0;
  int64_t unit_rows = 1;  // a multiple of so many rows begins where a unit does

  int64_t row() const { return (taps * channels + 3) / 4 * 4; }
  int64_t size() const { return outputs * row(); }
  // Bytes of a buffer for so many unpacked rows; in front of them a coder has two rows of levels.
  int64_t unpacked_bytes(int64_t rows) const { return rows * row() + (coder != nullptr ? 2 * row() : 64); }
};

// The constant arguments of a product kernel.
struct ProductCode {
  CallArg weights;                    // int8 [outputs][inputs, padded to 4], or what `packed` says
  std::optional<PackedLayer> packed;  // weights are to be unpacked
  CallArg channels;                   // int32 [outputs]{bias, multiplier}
  CallArg rounding, shift, low, high;
  int64_t left = 0;  // not 0: for call_left only
};

// Operand 0 is the data, `bias` the operand of the bias. Refuses what 8-bit products cannot do, naming the reason.
ProductCode make_product(CodeContext& context, const WeightMatrix& matrix, int bias);

// Rows of `inputs` numbers times the matrix: the kernel for one row or for many.
void call_rows(CodeContext& context, const ProductCode& product, const CallArg& in, const CallArg& out, int64_t rows,
               int64_t inputs, int64_t outputs);

// Whether a product of so many positions is computed with the stream of coded weights, by `kernel`, if there is one.
bool computes_with_stream(const ProductCode& product, const KernelDef* kernel, int64_t positions);
// Calls the kernel with {in, out, scratch..., stream, channels, bytes, args..., shift}; `entries` as it multiplies.
void call_with_stream(CodeContext& context, const KernelDef& kernel, const ProductCode& product, int64_t positions,
                      std::vector<CallArg> buffers, std::span<const CallArg> args);
// The kernels of the coder of the weights.
StreamKernels stream_kernels(const ProductCode& product);

// The weights as int8: packed and coded ones are brought to a buffer by calls in front.
CallArg unpacked_weights(CodeContext& context, const ProductCode& product);

// A kernel that unpacks or decodes rows before it computes with them, a block of rows at a time.
struct BlockKernel {
  const KernelDef& packed;
  const KernelDef& coded;
};
// Calls it with {in, out, scratch, weights, channels, args..., how weights are stored, rows at a time, last...}; opens
// the stream of coded ones before. `plain` is what the plain kernel takes as scratch, a multiple of 16.
void call_in_blocks(CodeContext& context, const BlockKernel& kernel, const ProductCode& product, const CallArg& in,
                    const CallArg& out, int64_t plain, int64_t rows, std::span<const CallArg> args,
                    std::span<const CallArg> last = {});

// How much is unpacked at a time: enough that reading the inputs once more for each block of rows takes a small part of
// its products.
struct BlockSize {
  int64_t rows;   // at least
  int64_t bytes;  // about, where rows are short
};
inline constexpr BlockSize kManyPixels = {16, 4096};
inline constexpr BlockSize kOnePixel = {4, 1024};

// In how many rows at a time weights are unpacked, or 0: all at once, which takes no more memory. `overlap`: bytes that
// the result would otherwise share with the operand.
int64_t rows_at_a_time(const PackedLayer& packed, int64_t overlap, BlockSize size);

// Any product whose sums are shifted left before they are multiplied.
void call_left(CodeContext& context, const WindowGeometry& g, const ProductCode& product, const CallArg& in,
               const CallArg& out);

}  // namespace tinyc
