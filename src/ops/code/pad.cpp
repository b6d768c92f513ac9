// Pad on a device.
#include <utility>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/selection.h"
#include "ops/code/table.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kPad = TINYC_KERNEL(tc_pad_s8, "move_s8.h");
constexpr size_t kMostAxes = 4;
constexpr int kPads = 1, kValue = 2, kAxes = 3;

struct PadAxis {
  int64_t in, out, before;
};

// By axis; empty where the kernel's rules are not ours: cut and mirrored at once.
std::vector<PadAxis> padded_axes(const CodeContext& context, bool may_cut) {
  const Dims dims = context.dims(0);
  const Dims result = context.result_dims();
  const auto pads = context.constant(kPads)->to_int64();
  std::vector<PadAxis> axes;
  for (size_t i = 0; i < dims.size(); ++i) axes.push_back({dims[i], result[i], 0});
  const bool listed = context.has_input(kAxes);
  if (listed && context.constant(kAxes) == nullptr) context.refuse("its axes are computed");
  const auto list = listed ? context.constant(kAxes)->to_int64() : std::vector<int64_t>();
  const size_t count = pads.size() / 2;
  for (size_t i = 0; i < count; ++i) {
    const int axis = listed ? normalize_axis(list[i], static_cast<int>(dims.size())) : static_cast<int>(i);
    if (!may_cut && (pads[i] < 0 || pads[i + count] < 0)) return {};
    axes[static_cast<size_t>(axis)].before = pads[i];
  }
  return axes;
}

int mode_of(const Node& node) {
  const std::string_view mode = string_attr(node, "mode");
  return mode == "constant" ? 0 : mode == "edge" ? 1 : mode == "reflect" ? 2 : 3;
}

}  // namespace

void code_pad(CodeContext& context) {
  if (context.constant(kPads) == nullptr) context.refuse("its pads are computed");
  const int mode = mode_of(context.node());
  const std::vector<PadAxis> all = padded_axes(context, mode == 0);
  const Order order = context.order_of(0, channels_last(static_cast<int>(context.dims(0).size())));
  std::vector<PadAxis> axes;
  bool pads = false;
  for (int axis : all.empty() ? Order() : order) {
    const PadAxis& padded = all[static_cast<size_t>(axis)];
    if (padded.in != 1 || padded.out != 1) axes.push_back(padded);
    pads = pads || padded.in != padded.out || padded.before != 0;
  }
  if (!pads || axes.size() > kMostAxes || !all_integer(context, 1)) return code_selection_filling(context, kValue);
  axes.insert(axes.begin(), kMostAxes - axes.size(), {1, 1, 0});
  const CallArg in = in_on_result_grid(context, 0, order);
  std::vector<CallArg> args = {in, context.out(order)};
  for (const PadAxis& axis : axes) args.push_back(context.number(axis.in));
  for (const PadAxis& axis : axes) args.push_back(context.number(axis.out));
  for (const PadAxis& axis : axes) args.push_back(context.number(axis.before));
  args.push_back(context.number(mode));
  args.push_back(context.number(fill_value(context, kValue, 0)));
  context.call(kPad, std::move(args));
}

}  // namespace tinyc
