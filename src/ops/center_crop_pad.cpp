// CenterCropPad: the listed axes cropped or padded with zeros to the sizes that operand 1 says, evenly at both ends (an
// odd one at the end).
#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axes", AttributeType::kInts}};

void infer(InferContext& c) {
  Shape shape = c.shape(0);
  if (!shape.ranked()) return c.set_output(0, c.dtype(0), std::move(shape));
  const std::vector<int> axes = listed_axes(c.node(), shape.rank());
  const auto sizes = sizes_value(c, 1);
  if (sizes && sizes->dims().size() != axes.size()) c.fail_input(1, "does not have a size for each axis");
  for (size_t i = 0; i < axes.size(); ++i) shape[axes[i]] = sizes ? (*sizes)[static_cast<int>(i)] : Dim();
  c.set_output(0, c.dtype(0), std::move(shape));
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  std::vector<AxisMap> maps(in.dims().size());
  for (size_t i = 0; i < maps.size(); ++i) {
    const int64_t from = in.dims()[i];
    const int64_t to = out.dims()[i];
    const int64_t shift = to <= from ? (from - to) / 2 : -((to - from) / 2);
    for (int64_t at = shift; at < to + shift; ++at) maps[i].push_back(at >= 0 && at < from ? at : -1);
  }
  constexpr std::byte kZero[16] = {};
  copy_mapped(element_bytes(in.dtype()), in.dims(), in.bytes(), maps, out.mutable_bytes(), kZero);
}

}  // namespace

extern const OpDef k_center_crop_pad{
    .name = "CenterCropPad",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .code = code_selection,
    .quant = {.kind = QuantKind::kSameAsInput},
};

}  // namespace tinyc
