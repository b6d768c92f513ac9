// The calls of products: in which form their weights come to a kernel, and which kernel that is.
#include <algorithm>
#include <utility>

#include "ops/code/kernels.h"
#include "ops/code/product.h"
#include "ops/code/table.h"

namespace tinyc {
namespace {

constexpr KernelDef kPointwise = TINYC_KERNEL(tc_pointwise_s8, "pointwise_s8.h");
constexpr KernelDef kConvLeft = TINYC_KERNEL(tc_conv_left_s8, "conv_left_s8.h");
constexpr KernelDef kPointwisePacked = TINYC_KERNEL(tc_pointwise_packed_s8, "packed_s8.h");
constexpr KernelDef kDensePacked = TINYC_KERNEL(tc_dense_packed_s8, "packed_s8.h");
constexpr KernelDef kPointwiseCoded = TINYC_KERNEL(tc_pointwise_coded_s8, "coded_s8.h");
constexpr KernelDef kDenseCoded = TINYC_KERNEL(tc_dense_coded_s8, "coded_s8.h");
constexpr KernelDef kDecode = TINYC_KERNEL(tc_decode_s8, "coded_s8.h");
constexpr KernelDef kUnpack = TINYC_KERNEL(tc_unpack_s8, "unpack_s8.h");
constexpr KernelDef kUnpackBlocks = TINYC_KERNEL(tc_unpack_blocks_s8, "unpack_s8.h");
constexpr KernelDef kDense = TINYC_KERNEL(tc_dense_s8, "dense_s8.h");

// Of many positions, weights for each entry of a stream from which on skipping zeros makes up for leaving out 16-bit
// pairs: rt/relative_product_s8.h has what each costs.
constexpr int64_t kLeastSkipped = 6;

// A dense layer widens its input in scratch when it is no longer than this; longer rows are widened as they are used.
constexpr int64_t kMostWidened = 256;

// Opens the stream of coded weights; the decoder's state.
CallArg open_decoder(CodeContext& context, const ProductCode& product) {
  const PackedLayer& layer = *product.packed;
  const DecoderCode& decoder = decoder_of(*layer.coder);
  const Temporary state = make_temporary(context, decoder.state_bytes);
  context.call(decoder.open, {product.weights, state.write, context.number(layer.stream_bytes)});
  context.decodes(layer.size(), layer.stream_bytes);
  return state.read;
}

}  // namespace

CallArg unpacked_weights(CodeContext& context, const ProductCode& product) {
  if (!product.packed) return product.weights;
  const PackedLayer& packed = *product.packed;
  const auto n = [&](int64_t value) { return context.number(value); };
  const Temporary rows = make_temporary(context, packed.unpacked_bytes(packed.outputs));
  if (packed.coder != nullptr) {
    const CallArg decoder = open_decoder(context, product);
    context.call(kDecode, {decoder, context.scratch(2 * packed.row()), rows.write, n(0), n(packed.outputs),
                           n(packed.taps * packed.channels), n(packed.left)});
    return rows.read;
  }
  if (packed.block == 0) {
    context.call(kUnpack, {product.weights, rows.write, n(packed.size()), n(packed.bits)});
  } else {
    context.call(kUnpackBlocks, {product.weights, packed.factors, rows.write, n(packed.outputs), n(packed.taps),
                                 n(packed.channels), n(packed.block), n(packed.bits)});
  }
  context.unpacks(packed.size(), packed.block != 0);
  return rows.read;
}

StreamKernels stream_kernels(const ProductCode& product) {
  return product.packed && product.packed->coder != nullptr ? decoder_of(*product.packed->coder).kernels
                                                            : StreamKernels{};
}

bool computes_with_stream(const ProductCode& product, const KernelDef* kernel, int64_t positions) {
  if (kernel == nullptr || product.packed->entries == 0) return false;
  return positions == 1 || product.packed->entries * kLeastSkipped <= product.packed->size();
}

void call_with_stream(CodeContext& context, const KernelDef& kernel, const ProductCode& product, int64_t positions,
                      std::vector<CallArg> buffers, std::span<const CallArg> args) {
  buffers.insert(buffers.end(), {product.weights, product.channels, context.number(product.packed->stream_bytes)});
  buffers.insert(buffers.end(), args.begin(), args.end());
  buffers.push_back(context.number(product.packed->left));
  context.call(kernel, std::move(buffers));
  const PackedLayer& layer = *product.packed;
  context.multiplies(layer.entries * positions, positions == 1 ? 0 : layer.taps * layer.channels * positions);
}

int64_t rows_at_a_time(const PackedLayer& packed, int64_t overlap, BlockSize size) {
  const int64_t wanted = std::max(size.rows, size.bytes / packed.row());
  const int64_t rows = (wanted + packed.unit_rows - 1) / packed.unit_rows * packed.unit_rows;
  return packed.unpacked_bytes(rows) + overlap < packed.unpacked_bytes(packed.outputs) ? rows : 0;
}

void call_left(CodeContext& context, const WindowGeometry& g, const ProductCode& product, const CallArg& in,
               const CallArg& out) {
  const auto n = [&](int64_t value) { return context.number(value); };
  const CallArg weights = unpacked_weights(context, product);
  context.call(kConvLeft, {in,
                           out,
                           weights,
                           product.channels,
                           n(g.h.in),
                           n(g.w.in),
                           n(g.in_c),
                           n(g.h.out),
                           n(g.w.out),
                           n(g.out_c),
                           n(g.h.kernel),
                           n(g.w.kernel),
                           n(g.h.stride),
                           n(g.w.stride),
                           n(g.h.pad_begin),
                           n(g.w.pad_begin),
                           n(g.h.dilation),
                           n(g.w.dilation),
                           n(g.groups),
                           n(context.grid(0).zero_point),
                           n(product.left),
                           product.rounding,
                           product.shift,
                           product.low,
                           product.high});
}

void call_in_blocks(CodeContext& context, const BlockKernel& kernel, const ProductCode& product, const CallArg& in,
                    const CallArg& out, int64_t plain, int64_t rows, std::span<const CallArg> args,
                    std::span<const CallArg> last) {
  const auto n = [&](int64_t value) { return context.number(value); };
  const PackedLayer& packed = *product.packed;
  const CallArg scratch = context.scratch(plain + packed.unpacked_bytes(rows));
  std::vector<CallArg> all = {in, out, scratch};
  if (packed.coder != nullptr) {
    all.push_back(open_decoder(context, product));
  } else {
    all.insert(all.end(), {product.weights, packed.factors});
  }
  all.push_back(product.channels);
  all.insert(all.end(), args.begin(), args.end());
  if (packed.coder != nullptr) {
    all.push_back(n(packed.left));
  } else {
    all.insert(all.end(), {n(packed.bits), n(packed.block)});
  }
  all.push_back(n(rows));
  all.insert(all.end(), last.begin(), last.end());
  context.call(packed.coder != nullptr ? kernel.coded : kernel.packed, std::move(all));
  if (packed.coder == nullptr) context.unpacks(packed.size(), packed.block != 0);
}

void call_rows(CodeContext& context, const ProductCode& product, const CallArg& in, const CallArg& out, int64_t rows,
               int64_t inputs, int64_t outputs) {
  const auto n = [&](int64_t value) { return context.number(value); };
  if (product.left > 0) {
    const WindowGeometry g{{}, {.in = rows, .out = rows}, inputs, outputs, 1, inputs};
    return call_left(context, g, product, in, out);
  }
  const std::vector<CallArg> sizes = {n(rows),       n(inputs),   n(outputs),  product.rounding,
                                      product.shift, product.low, product.high};
  const std::span<const CallArg> args(sizes);
  const StreamKernels kernels = stream_kernels(product);
  if (rows == 1 && computes_with_stream(product, kernels.dense, 1)) {
    return call_with_stream(context, *kernels.dense, product, 1, {in, out}, args.subspan(1));
  }
  if (rows > 1 && computes_with_stream(product, kernels.pointwise, rows)) {
    call_with_stream(context, *kernels.pointwise, product, rows, {in, out, context.scratch(4 * inputs)}, args);
    return context.overlap_below(out, in, std::max<int64_t>(0, rows * (outputs - inputs)));
  }
  const int64_t widened = inputs <= kMostWidened ? 2 * ((inputs + 15) / 16 * 16) : 0;
  const int64_t staged = tc_block_bytes(static_cast<int32_t>(inputs));
  const bool in_blocks = product.packed && (product.packed->block == 0 || product.packed->taps == 1);
  if (in_blocks) {
    const int64_t shared = rows == 1 ? 0 : rows * std::min(inputs, outputs);
    const int64_t block = rows_at_a_time(*product.packed, shared, rows == 1 ? kOnePixel : kManyPixels);
    if (block > 0 && rows == 1) {
      return call_in_blocks(context, {kDensePacked, kDenseCoded}, product, in, out, widened, block, args.subspan(1),
                            std::vector<CallArg>{n(widened)});
    }
    if (block > 0) {
      return call_in_blocks(context, {kPointwisePacked, kPointwiseCoded}, product, in, out, (staged + 15) / 16 * 16,
                            block, args);
    }
  }
  const CallArg weights = unpacked_weights(context, product);
  if (rows == 1) {
    context.call(kDense, {in, out, context.scratch(widened), weights, product.channels, n(inputs), n(outputs),
                          product.rounding, product.shift, product.low, product.high});
    return;
  }
  context.call(kPointwise, {in, out, context.scratch(staged), weights, product.channels, n(rows), n(inputs), n(outputs),
                            product.rounding, product.shift, product.low, product.high});
  context.overlap_below(out, in, std::max<int64_t>(0, rows * (outputs - inputs)));
}

}  // namespace tinyc
