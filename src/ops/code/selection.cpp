// Ops whose result is made of elements of their operand, on a device: Slice, Split, Gather, Pad, Expand, Tile,
// DepthToSpace, Resize to the nearest element, and all others that only say which element goes where.
//
// Problem: find for each such op the kernel calls, whatever order operand and result lie in. Method: the op says it
// itself. It is evaluated offline on the numbers 1, 2, 3 ... in place of data, and what it gives names the source of
// each element of the result; 0 is what it fills in. Put into the order of both memories, the sources are
//   1. those of a nest of at most five loops, each with one step: found greedily from the innermost, which is exact,
//      because a run that goes on past its loop does so in every round, and two loops then are one. One run: a copy;
//      the same bytes: nothing at all.
//   2. else runs of neighbours, whose starts are the sum of two tables, one of the rows and one of the columns, where
//      they can be (an image whose rows and columns are picked), or stand in one table (padding, any indices).
// Cost: offline, a few passes over the result. Sources are floats: exact up to 2^24 elements.
#include "ops/code/selection.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/code/kernels.h"
#include "ops/code/table.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kStridedCopy = TINYC_KERNEL(tc_strided_copy_s8, "move_s8.h");
constexpr KernelDef kTranspose = TINYC_KERNEL(tc_transpose_s8, "move_s8.h");
constexpr KernelDef kTransposeFloats = TINYC_KERNEL(tc_transpose_f32, "move_f32.h");
constexpr KernelDef kGather = TINYC_KERNEL(tc_gather_s8, "move_s8.h");

constexpr int64_t kMostElements = int64_t{1} << 24;
constexpr size_t kMostLoops = 5;
constexpr int64_t kFill = -1;

using Sources = std::vector<int64_t>;  // by element of the result

// By result, sources as elements in C order. The operand that says what to fill in is left out.
std::vector<Sources> evaluate_sources(const CodeContext& context, int fill_operand) {
  const int64_t size = element_count(context.dims(0));
  if (size > kMostElements) context.refuse("it moves too many elements");
  std::vector<float> numbers(static_cast<size_t>(size));
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  std::vector<Tensor> inputs = {Tensor::of<float>(context.dims(0), numbers)};
  for (int i = 1; std::cmp_less(i, context.node().inputs.size()); ++i) {
    const bool given = i != fill_operand && context.has_input(i);
    if (given && context.constant(i) == nullptr) context.refuse("what it selects is computed");
    inputs.push_back(given ? *context.constant(i) : Tensor());
  }
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < context.node().outputs.size(); ++i) {
    const bool used = context.node().outputs[i] != kNoValue;
    outputs.push_back(used ? Tensor::zeros(DataType::kFloat, context.result_dims(static_cast<int>(i))) : Tensor());
  }
  std::vector<std::byte> scratch;
  const EvalContext::RunSubgraph none;
  EvalContext evaluation(context.node(), inputs, outputs, scratch, none);
  context.node().op->eval(evaluation);
  std::vector<Sources> all;
  for (const Tensor& output : outputs) {
    Sources& sources = all.emplace_back();
    if (!output.defined()) continue;
    for (float number : output.data<float>()) sources.push_back(static_cast<int64_t>(number) - 1);
  }
  return all;
}

// For each element in memory order, its place in C order.
Sources places_of(std::span<const int64_t> dims, const Order& order) {
  Dims strides(dims.size(), 1);
  for (size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  Sources places;
  std::vector<int64_t> at(dims.size(), 0);
  int64_t place = 0;
  for (int64_t left = element_count(dims); left > 0; --left) {
    places.push_back(place);
    for (size_t k = order.size(); k-- > 0;) {
      const auto axis = static_cast<size_t>(order[k]);
      place += strides[axis];
      if (++at[k] < dims[axis]) break;
      place -= at[k] * strides[axis];
      at[k] = 0;
    }
  }
  return places;
}

// Both sides in memory order.
Sources in_memory(const Sources& sources, std::span<const int64_t> dims, const Order& order,
                  std::span<const int64_t> result_dims, const Order& result_order) {
  const Sources places = places_of(dims, order);
  Sources memory_of(places.size());
  for (size_t i = 0; i < places.size(); ++i) memory_of[static_cast<size_t>(places[i])] = static_cast<int64_t>(i);
  Sources result;
  for (int64_t place : places_of(result_dims, result_order)) {
    const int64_t source = sources[static_cast<size_t>(place)];
    result.push_back(source < 0 ? kFill : memory_of[static_cast<size_t>(source)]);
  }
  return result;
}

struct Loop {
  int64_t count;
  int64_t step;
};

// Outermost first; nothing when the sources are no nest of loops.
std::optional<std::vector<Loop>> find_loops(Sources sources) {
  if (std::find(sources.begin(), sources.end(), kFill) != sources.end()) return std::nullopt;
  std::vector<Loop> loops;
  while (sources.size() > 1) {
    const int64_t step = sources[1] - sources[0];
    size_t count = 2;
    while (count < sources.size() && sources[count] - sources[count - 1] == step) ++count;
    if (sources.size() % count != 0 || loops.size() == kMostLoops) return std::nullopt;
    Sources starts;
    for (size_t i = 0; i < sources.size(); ++i) {
      if (i % count == 0) {
        starts.push_back(sources[i]);
      } else if (sources[i] - sources[i - 1] != step) {
        return std::nullopt;
      }
    }
    loops.insert(loops.begin(), {static_cast<int64_t>(count), step});
    sources = std::move(starts);
  }
  return loops;
}

// The longest run that the result is made of: neighbours from neighbours, or fill.
int64_t run_length(const Sources& sources) {
  auto length = static_cast<int64_t>(sources.size());
  for (size_t i = 1; i < sources.size(); ++i) {
    const bool goes_on = sources[i] == (sources[i - 1] == kFill ? kFill : sources[i - 1] + 1);
    if (!goes_on) length = std::gcd(length, static_cast<int64_t>(i));
  }
  return length;
}

struct Tables {
  std::vector<int32_t> rows, columns;  // a run starts at their sum
};

// The smallest tables, among those whose columns are one of `widths`.
Tables find_tables(const std::vector<int32_t>& starts, std::span<const int64_t> widths) {
  Tables best{starts, {0}};
  for (int64_t width : widths) {
    const auto w = static_cast<size_t>(width);
    if (w == 0 || starts.size() % w != 0 || starts[0] < 0 || starts.size() / w + w >= best.rows.size()) continue;
    Tables tables;
    for (size_t i = 0; i < starts.size(); i += w) tables.rows.push_back(starts[i]);
    for (size_t i = 0; i < w; ++i) tables.columns.push_back(starts[i] - starts[0]);
    bool is_sum = true;
    for (size_t i = 0; i < starts.size(); ++i) {
      is_sum = is_sum && starts[i] >= 0 && starts[i] == tables.rows[i / w] + tables.columns[i % w];
    }
    if (is_sum) best = std::move(tables);
  }
  return best;
}

// Elements are of `each` bytes.
void call_gather(CodeContext& context, const Sources& sources, const Dims& memory, int64_t each, const CallArg& in,
                 const CallArg& out, int64_t fill) {
  const int64_t run = run_length(sources);
  std::vector<int32_t> starts;
  for (size_t i = 0; i < sources.size(); i += static_cast<size_t>(run)) {
    starts.push_back(static_cast<int32_t>(sources[i] < 0 ? kFill : sources[i] * each));
  }
  std::vector<int64_t> widths;  // where axes of the result end
  int64_t inner = 1;
  for (size_t k = memory.size(); k-- > 0; inner *= memory[k]) widths.push_back(inner / run);
  const Tables tables = find_tables(starts, widths);
  const auto constant = [&](std::string_view role, const std::vector<int32_t>& table) {
    return context.data(role, Tensor::of<int32_t>({static_cast<int64_t>(table.size())}, table));
  };
  context.call(kGather, {in, out, constant("rows", tables.rows), constant("columns", tables.columns),
                         context.number(static_cast<int64_t>(tables.rows.size())),
                         context.number(static_cast<int64_t>(tables.columns.size())), context.number(run * each),
                         context.number(fill)});
}

void call_loops(CodeContext& context, std::vector<Loop> loops, int64_t each, const CallArg& in, const CallArg& out) {
  const auto n = [&](int64_t value) { return context.number(value); };
  if (loops.empty()) loops.push_back({1, 1});
  if (loops.back().step == 1 && loops.size() <= 2) {
    const Loop rows = loops.size() == 2 ? loops[0] : Loop{1, loops[0].count};
    if (rows.step >= 0) {
      const int64_t bytes = loops.back().count * each;
      context.call(kStridedCopy, {in, out, n(rows.count), n(bytes), n(rows.step * each), n(bytes)});
      if (in.kind == CallArg::Kind::kRead && rows.step * each >= bytes) context.overlap_same_start(out, in);
      return;
    }
  }
  loops.insert(loops.begin(), kMostLoops - loops.size(), {1, 0});
  std::vector<CallArg> args = {in, out};
  for (const Loop& loop : loops) args.push_back(n(loop.count));
  for (const Loop& loop : loops) args.push_back(n(loop.step));
  context.call(each == 1 ? kTranspose : kTransposeFloats, std::move(args));
}

// Bytes of zero are a float of zero; no other is filled in.
int64_t float_fill(const CodeContext& context, int fill_operand) {
  if (fill_operand > 0 && context.has_input(fill_operand)) {
    if (context.constant(fill_operand) == nullptr) context.refuse("what it fills in is computed");
    if (real_constant(context, fill_operand).at(0) != 0) context.refuse("it fills floats with another number than 0");
  }
  return 0;
}

bool is_identity(const Sources& sources, int64_t size) {
  if (std::cmp_not_equal(sources.size(), size)) return false;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (std::cmp_not_equal(sources[i], i)) return false;
  }
  return true;
}

void code_result(CodeContext& context, const Sources& elements, int result, int fill_operand) {
  const Dims dims = context.dims(0);
  const Dims result_dims = context.result_dims(result);
  const int rank = static_cast<int>(dims.size());
  const Order order = context.order_of(0, channels_last(rank));
  const Order result_order =
      dims.size() == result_dims.size() ? order : plain_order(static_cast<int>(result_dims.size()));
  const Sources sources = in_memory(elements, dims, order, result_dims, result_order);
  if (is_identity(sources, element_count(dims)) && has_result_grid(context, 0, result)) {
    return context.alias(0, order, result_order, result);
  }
  const bool in_float = !context.is_integer(0) || !context.is_result_integer(result);
  const int64_t each = in_float ? static_cast<int64_t>(sizeof(float)) : 1;
  CallArg in = in_float ? context.in_float(0, order) : in_on_result_grid(context, 0, order, result);
  const CallArg out = in_float ? context.out_float(result_order, result) : context.out(result_order, result);
  if (sources.empty()) return;
  if (const auto loops = find_loops(sources)) {
    in.offset += sources[0] * each;
    return call_loops(context, *loops, each, in, out);
  }
  const int64_t fill = in_float ? float_fill(context, fill_operand) : fill_value(context, fill_operand, result);
  call_gather(context, sources, ordered(result_dims, result_order), each, in, out, fill);
}

}  // namespace

int64_t fill_value(const CodeContext& context, int fill_operand, int result) {
  const Grid grid = context.result_grid(result);
  double real = 0;
  if (fill_operand > 0 && context.has_input(fill_operand)) {
    if (context.constant(fill_operand) == nullptr) context.refuse("what it fills in is computed");
    real = static_cast<double>(real_constant(context, fill_operand).at(0));
  }
  const double q = std::nearbyint(real / static_cast<double>(grid.scale)) + grid.zero_point;
  return static_cast<int64_t>(std::clamp(q, static_cast<double>(grid.low), static_cast<double>(grid.high)));
}

void code_selection(CodeContext& context) {
  code_selection_filling(context, 0);
}

void code_selection_filling(CodeContext& context, int fill_operand) {
  const std::vector<Sources> all = evaluate_sources(context, fill_operand);
  for (size_t i = 0; i < all.size(); ++i) {
    if (context.node().outputs[i] != kNoValue) code_result(context, all[i], static_cast<int>(i), fill_operand);
  }
}

}  // namespace tinyc
