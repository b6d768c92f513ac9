// DepthToSpace: channels moved into blocks of pixels; SpaceToDepth: blocks of pixels moved into channels.
//
// Both are a transposition of six axes. With b the block size and C' the channels of the smaller depth, the deep side
// is [N, b, b, C', H, W] (DCR) or [N, C', b, b, H, W] (CRD), the wide side [N, C', H, b, W, b].
#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"blocksize", AttributeType::kInt}, {"mode", "DCR"}};

int64_t block_size(const Node& node) {
  const int64_t block = int_attr(node, "blocksize");
  if (block < 1 || block > 1 << 15) throw Error(ErrorKind::kModel, "attribute 'blocksize' is " + std::to_string(block));
  return block;
}

Dim times(const Dim& dim, int64_t factor) {
  const Dim both[] = {dim, factor};
  return product(both);
}

Dim divided(const Dim& dim, int64_t by, const char* what) {
  if (!dim.known()) return by == 1 ? dim : Dim();
  if (dim.value % by != 0) {
    throw Error(ErrorKind::kModel,
                std::string(what) + " " + std::to_string(dim.value) + " is not a multiple of " + std::to_string(by));
  }
  return dim.value / by;
}

void infer_depth_to_space(InferContext& c) {
  c.require_rank(0, 4);
  const int64_t block = block_size(c.node());
  const Shape in = c.shape(0).ranked() ? c.shape(0) : open_shape(4);
  c.set_output(0, c.dtype(0),
               {in[0], divided(in[1], block * block, "depth"), times(in[2], block), times(in[3], block)});
}

void infer_space_to_depth(InferContext& c) {
  c.require_rank(0, 4);
  const int64_t block = block_size(c.node());
  const Shape in = c.shape(0).ranked() ? c.shape(0) : open_shape(4);
  c.set_output(0, c.dtype(0),
               {in[0], times(in[1], block * block), divided(in[2], block, "height"), divided(in[3], block, "width")});
}

// Strides of the axes [N, C', H, b, W, b] in the deep layout.
Dims deep_strides(const Dims& deep, int64_t block, bool crd) {
  const int64_t plane = deep[2] * deep[3];
  const int64_t channels = deep[1] / (block * block);
  const int64_t channel = crd ? block * block * plane : plane;
  const int64_t column = crd ? plane : channels * plane;
  return {deep[1] * plane, channel, deep[3], column * block, 1, column};
}

Dims wide_strides(const Dims& wide, int64_t block) {
  const int64_t plane = wide[2] * wide[3];
  return {wide[1] * plane, plane, wide[3] * block, wide[3], block, 1};
}

Dims six_axes(const Dims& wide, int64_t block) {
  return {wide[0], wide[1], wide[2] / block, block, wide[3] / block, block};
}

bool is_crd(const Node& node) {
  const std::string_view mode = string_attr(node, "mode");
  if (mode != "DCR" && mode != "CRD") throw Error(ErrorKind::kModel, "attribute 'mode' is '" + std::string(mode) + "'");
  return mode == "CRD";
}

void eval_depth_to_space(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const int64_t block = block_size(c.node());
  copy_box(element_bytes(in.dtype()), six_axes(out.dims(), block),
           {in.bytes(), deep_strides(in.dims(), block, is_crd(c.node()))},
           {out.mutable_bytes(), wide_strides(out.dims(), block)});
}

void eval_space_to_depth(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const int64_t block = block_size(c.node());
  copy_box(element_bytes(in.dtype()), six_axes(in.dims(), block), {in.bytes(), wide_strides(in.dims(), block)},
           {out.mutable_bytes(), deep_strides(out.dims(), block, is_crd(c.node()))});
}

}  // namespace

extern constinit const OpDef k_depth_to_space{.name = "DepthToSpace",
                                              .inputs = {1, 1},
                                              .outputs = {1, 1},
                                              .attributes = kAttributes,
                                              .infer = infer_depth_to_space,
                                              .eval = eval_depth_to_space,
                                              .code = code_selection,
                                              .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

extern constinit const OpDef k_space_to_depth{.name = "SpaceToDepth",
                                              .inputs = {1, 1},
                                              .outputs = {1, 1},
                                              .attributes = kAttributes,
                                              .infer = infer_space_to_depth,
                                              .eval = eval_space_to_depth,
                                              .code = code_selection,
                                              .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
