// Resize on a device: to the nearest element, which only moves bytes, and linear along one or two axes.
#include <algorithm>
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/code/kernels.h"
#include "ops/code/table.h"
#include "ops/resize_axis.h"

namespace tinyc {
namespace {

constexpr KernelDef kLinear = TINYC_KERNEL(tc_resize_linear_s8, "resize_linear_s8.h");
constexpr float kWhole = 2048;  // the kernel's weight of one

// {index0, index1, weight of index1} for each element of the result.
std::vector<int32_t> linear_table(const CodeContext& context, const ResizeFilter& filter, const ResizeAxis& axis) {
  const ResizeTaps taps = filter_taps(filter, axis);
  if (taps.count != 2) context.refuse("its filter is wider than two elements");
  std::vector<int32_t> table;
  for (size_t i = 0; i < taps.index.size(); i += 2) {
    table.push_back(static_cast<int32_t>(taps.index[i]));
    table.push_back(static_cast<int32_t>(taps.index[i + 1]));
    table.push_back(static_cast<int32_t>(std::lround(kWhole * taps.weight[i + 1])));
  }
  return table;
}

}  // namespace

void code_resize(CodeContext& context) {
  const ResizeFilter filter(context.node());
  if (filter.coordinates == ResizeFilter::Coordinates::kTfCropAndResize) context.refuse("it crops a region");
  if (filter.mode == ResizeFilter::Mode::kNearest) return code_selection(context);
  if (filter.mode == ResizeFilter::Mode::kCubic) context.refuse("its filter is wider than two elements");
  if (!context.is_integer(0) || !context.is_result_integer()) context.refuse("its data are not 8-bit integers");
  for (int i = 1; i <= 3; ++i) {
    if (context.has_input(i) && context.constant(i) == nullptr) context.refuse("its sizes are computed");
  }
  const Dims dims = context.dims(0);
  const Dims result = context.result_dims();
  const std::vector<ResizeAxis> axes =
      resize_axes(context.node(), dims, context.constant(1), context.constant(2), context.constant(3));
  std::vector<size_t> resized;
  int64_t count = 1;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].in != axes[i].out || axes[i].scale != 1.0F)
      resized.push_back(i);
    else
      count *= dims[i];
  }
  if (resized.size() > 2) context.refuse("it resizes more than two axes");
  // Axes that stay: those of one element in front, the others behind, as the kernel's channels.
  Order order;
  for (size_t i : resized) order.push_back(static_cast<int>(i));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (std::find(resized.begin(), resized.end(), i) == resized.end()) order.push_back(static_cast<int>(i));
  }
  const ResizeAxis still;
  const ResizeAxis& rows = resized.size() == 2 ? axes[resized[0]] : still;
  const ResizeAxis& columns = resized.empty() ? still : axes[resized.back()];
  const auto table = [&](std::string_view role, const ResizeAxis& axis) {
    const std::vector<int32_t> numbers = linear_table(context, filter, axis);
    return context.data(role, Tensor::of<int32_t>({static_cast<int64_t>(numbers.size())}, numbers));
  };
  const CallArg in = in_on_result_grid(context, 0, order);
  context.call(kLinear,
               {in, context.out(order), table("rows", rows), table("columns", columns), context.number(columns.in),
                context.number(count), context.number(rows.out), context.number(columns.out)});
}

}  // namespace tinyc
