// ReverseSequence: the first sequence_lens[b] steps of sample b in reverse order, the others as they are.
#include <cstring>

#include "ops/code/bindings.h"
#include "ops/common_infer.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"batch_axis", 1}, {"time_axis", 0}};

bool is_batch_first(const Node& node) {
  const int64_t batch = int_attr(node, "batch_axis");
  const int64_t time = int_attr(node, "time_axis");
  if (!(batch == 0 && time == 1) && !(batch == 1 && time == 0)) {
    throw Error(ErrorKind::kModel, "attributes 'batch_axis' and 'time_axis' are not 0 and 1");
  }
  return batch == 0;
}

void infer(InferContext& c) {
  infer_same(c);
  const bool batch_first = is_batch_first(c.node());
  c.require_rank(1, 1);
  const Shape& shape = c.shape(0);
  if (!shape.ranked()) return;
  if (shape.rank() < 2) c.fail_input(0, "has rank " + std::to_string(shape.rank()) + ", expected 2 or more");
  const Dim& batch = shape[batch_first ? 0 : 1];
  if (c.shape(1).known() && batch.known() && c.shape(1)[0].value != batch.value) {
    c.fail_input(
        1, "has " + std::to_string(c.shape(1)[0].value) + " elements for a batch of " + std::to_string(batch.value));
  }
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  const bool batch_first = is_batch_first(c.node());
  const auto lengths = c.input(1).to_int64();
  const int64_t steps = in.dims()[batch_first ? 1 : 0];
  const auto samples = static_cast<int64_t>(lengths.size());
  const size_t slice = static_cast<size_t>(count_between(in.dims(), 2, in.rank())) * element_bytes(in.dtype());
  const auto place = [&](int64_t sample, int64_t step) {
    return static_cast<size_t>(batch_first ? sample * steps + step : step * samples + sample) * slice;
  };
  std::byte* out = c.output(0).mutable_bytes();
  for (int64_t sample = 0; sample < samples; ++sample) {
    const int64_t length = lengths[static_cast<size_t>(sample)];
    if (length < 0 || length > steps) {
      throw Error(ErrorKind::kModel, "a sequence is " + std::to_string(length) + " long, of " + std::to_string(steps));
    }
    for (int64_t step = 0; step < steps; ++step) {
      const int64_t from = step < length ? length - 1 - step : step;
      std::memcpy(out + place(sample, step), in.bytes() + place(sample, from), slice);
    }
  }
}

}  // namespace

extern const OpDef k_reverse_sequence{
    .name = "ReverseSequence",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .code = code_selection,
    .quant = {.kind = QuantKind::kSameAsInput},
};

}  // namespace tinyc
