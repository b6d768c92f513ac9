// Bytes as indices on a device: Cast of bytes to integers, which leaves them bytes, and Gather of rows of a constant.
#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kLookup = TINYC_KERNEL(tc_lookup_s8, "lookup_s8.h");

}  // namespace

void code_cast(CodeContext& context) {
  const auto to = static_cast<DataType>(int_attr(context.node(), "to"));
  const DataType from = context.dtype(0);
  const bool stays = from == to || (from == DataType::kUint8 && (to == DataType::kInt32 || to == DataType::kInt64));
  if (!stays) context.refuse("it casts " + std::string(name_of(from)) + " to " + std::string(name_of(to)));
  const Order order = context.order_of(0, channels_last(static_cast<int>(context.dims(0).size())));
  context.alias(0, order, order);
}

void code_gather(CodeContext& context) {
  const Tensor* table = context.constant(0);
  if (table == nullptr || context.constant(1) != nullptr) return code_selection(context);
  const Dims dims = context.dims(0);
  if (normalize_axis(int_attr(context.node(), "axis"), static_cast<int>(dims.size())) != 0) {
    context.refuse("its computed indices are not those of rows");
  }
  const bool in_float = !all_integer(context, 1);
  const Order order = plain_order(static_cast<int>(dims.size()));
  const Order result = plain_order(static_cast<int>(context.result_dims().size()));
  const CallArg indices = context.in_bytes(1, plain_order(static_cast<int>(context.dims(1).size())));
  const CallArg rows = in_float ? context.in_float(0, order) : context.in(0, order);
  const CallArg out = in_float ? context.out_float(result) : context.out(result);
  const int64_t bytes = table->size() / dims[0] * (in_float ? static_cast<int64_t>(sizeof(float)) : 1);
  context.call(kLookup, {indices, out, rows, context.number(element_count(context.dims(1))), context.number(dims[0]),
                         context.number(bytes)});
}

}  // namespace tinyc
