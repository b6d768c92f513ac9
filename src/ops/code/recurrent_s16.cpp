// LSTM and GRU on a device in integers: numbers of the kernels in src/rt/recurrent_s16.h, and the proof that 32 bits
// hold every sum. States that come and go as floats, or on a grid of 8 bits, are converted at the border.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "ops/code/bindings.h"
#include "ops/code/kernels.h"
#include "ops/code/recurrent_weights.h"
#include "ops/code/requantize.h"
#include "ops/code/table.h"
#include "ops/recurrent.h"

namespace tinyc {
namespace {

using namespace recurrent_operands;

constexpr KernelDef kLstm = TINYC_KERNEL(tc_lstm_s8, "recurrent_s16.h");
constexpr KernelDef kGru = TINYC_KERNEL(tc_gru_s8, "recurrent_s16.h");
constexpr KernelDef kNarrow = TINYC_KERNEL(tc_narrow_s16, "recurrent_s16.h");
constexpr KernelDef kWiden = TINYC_KERNEL(tc_widen_s16, "recurrent_s16.h");
constexpr KernelDef kFromFloats = TINYC_KERNEL(tc_state_from_f32, "state_f32.h");
constexpr KernelDef kToFloats = TINYC_KERNEL(tc_state_to_f32, "state_f32.h");

// Fractional bits.
constexpr int kGateBits = 12;
constexpr int kHiddenBits = 15;
constexpr int kCellBits = 11;

constexpr double kMostInput = 128;
constexpr double kMostState = 32767;
constexpr int64_t kStateBytes = sizeof(int16_t);

int64_t padded(int64_t count) {
  return (count + 3) / 4 * 4;
}

// The largest power of two that leaves every sum below 2^31; 0 when there is none.
int64_t factor_of(const RecurrentMatrix& matrix, double most) {
  constexpr int64_t kMostFactor = 1 << 16;
  const double largest = most * *std::max_element(matrix.magnitudes.begin(), matrix.magnitudes.end());
  int64_t factor = kMostFactor;
  while (factor > 0 && largest * static_cast<double>(factor) > 0x1.fffffffcp30) factor /= 2;
  return factor;
}

// One direction: x and h to what goes into gates.
struct Direction {
  RecurrentMatrix w, r;
  std::vector<int32_t> channels;
  int64_t x_factor = 0, h_factor = 0;
  int shift = 0;
};

class Numbers {
 public:
  Numbers(CodeContext& context, const RecurrentLayer& layer, int64_t direction, bool linear)
      : x_(context.grid(kX)), rows_(static_cast<size_t>(layer.rows())), linear_(linear) {
    bias_ = recurrent_bias(context, layer, direction);
    last_gate_ = rows_ - static_cast<size_t>(layer.hidden);
  }

  // Chooses the finest shift; false when there is none.
  bool write(Direction& direction) const {
    constexpr int kMostShift = 12;
    direction.x_factor = factor_of(direction.w, kMostInput);
    direction.h_factor = factor_of(direction.r, kMostState);
    if (direction.x_factor == 0 || direction.h_factor == 0) return false;
    for (direction.shift = kMostShift; direction.shift >= 1; --direction.shift) {
      if (write_channels(direction)) return true;
    }
    return false;
  }

 private:
  // Whether the candidate's part of r is a sum of its own.
  bool apart(size_t row) const { return linear_ && row >= last_gate_; }

  bool write_channels(Direction& direction) const {
    constexpr double kMostSum = 0x1p30 - 8;
    constexpr double kMostMultiplier = 0x1p31 - 1;
    const double unit = std::ldexp(1.0, kGateBits + direction.shift);
    std::vector<double> starts, by_w, by_r, last;
    for (size_t row = 0; row < rows_; ++row) {
      const double x_step = static_cast<double>(x_.scale) * direction.w.rows.scales[row] * unit;
      const double h_step = std::ldexp(direction.r.rows.scales[row], -kHiddenBits) * unit;
      const double w_bias = bias_[row] * unit - x_.zero_point * x_step * direction.w.sums[row];
      const double r_bias = bias_[rows_ + row] * unit;
      const double most = kMostInput * direction.w.magnitudes[row] * x_step +
                          kMostState * direction.r.magnitudes[row] * h_step + std::abs(w_bias) + std::abs(r_bias);
      // Half a step to round the sum, and half of one for each product that was rounded down.
      starts.push_back(w_bias + (apart(row) ? 0 : r_bias) + std::ldexp(0.5, direction.shift) + 1);
      by_w.push_back(std::ldexp(x_step, 32) / static_cast<double>(direction.x_factor));
      by_r.push_back(std::ldexp(h_step, 32) / static_cast<double>(direction.h_factor));
      if (apart(row)) last.push_back(r_bias);
      if (!(most < kMostSum && by_w.back() < kMostMultiplier && by_r.back() < kMostMultiplier)) return false;
    }
    direction.channels.clear();
    for (const auto* part : {&starts, &by_w, &by_r, &last}) {
      for (const double value : *part) direction.channels.push_back(static_cast<int32_t>(std::llround(value)));
    }
    return true;
  }

  Grid x_;
  size_t rows_, last_gate_ = 0;
  bool linear_;
  std::vector<float> bias_;
};

std::optional<std::vector<Direction>> directions_of(CodeContext& context, const RecurrentLayer& layer, bool linear) {
  std::vector<Direction> directions;
  for (int64_t d = 0; d < layer.directions; ++d) {
    auto w = read_recurrent_matrix(context, kW, d);
    auto r = read_recurrent_matrix(context, kR, d);
    if (!w || !r) return std::nullopt;
    directions.push_back({std::move(*w), std::move(*r), {}});
    if (!Numbers(context, layer, d, linear).write(directions.back())) return std::nullopt;
  }
  return directions;
}

// Whether states with so many fractional bits can be brought to the result's grid.
bool can_narrow(const CodeContext& context, int idx, int bits) {
  if (!has_output(context, static_cast<size_t>(idx)) || !context.is_result_integer(idx)) return true;
  return std::ldexp(1.0, -bits) / static_cast<double>(context.result_grid(idx).scale) < kMostRatio;
}

// multiplier, rounding, shift, low, high
std::array<int64_t, 5> narrowing(const CodeContext& context, int idx, int bits) {
  if (!has_output(context, static_cast<size_t>(idx))) return {0, 0, 1, 0, 0};
  const Grid grid = context.result_grid(idx);
  const double ratios[] = {std::ldexp(1.0, -bits) / static_cast<double>(grid.scale)};
  const Requantization r = requantize_by(ratios, grid.zero_point);
  return {r.multipliers[0], r.rounding, r.shift, grid.low, grid.high};
}

CallArg moved(CallArg arg, int64_t bytes) {
  arg.offset += bytes;
  return arg;
}

void append(std::vector<CallArg>& args, std::initializer_list<CallArg> more) {
  for (const CallArg& arg : more) args.push_back(arg);
}

// 177 entries: sigmoid at steps of 1/16 from 0 to 11.
CallArg sigmoid_table(CodeContext& context) {
  std::vector<int16_t> entries;
  for (int i = 0; i <= 11 * 16; ++i) {
    const double value = 0x1p15 / (1.0 + std::exp(-i / 16.0));
    entries.push_back(static_cast<int16_t>(std::min<long long>(std::llround(value), 32767)));
  }
  return context.data("sigmoid", Tensor::of<int16_t>({static_cast<int64_t>(entries.size())}, entries));
}

class Writer {
 public:
  Writer(CodeContext& context, const RecurrentLayer& layer, bool linear)
      : context_(context),
        layer_(layer),
        linear_(linear),
        has_c_(layer.gates == 4),
        state_(make_temporary(context, (has_c_ ? 2 : 1) * layer.hidden * kStateBytes)) {}

  void write(const std::vector<Direction>& directions) {
    x_ = context_.in(kX, plain_order(3));
    initial_h_ = initial(kInitialH);
    if (has_c_) initial_c_ = initial(kInitialC);
    y_ = has_output(context_, 0) ? context_.out(plain_order(4), 0) : context_.scratch(0);
    last_h_ = last(1);
    if (has_c_) last_c_ = last(2);
    const int64_t vectors = 2 * (padded(layer_.inputs) + padded(layer_.hidden));
    scratch_ =
        context_.scratch(vectors + (has_c_ ? 16 * layer_.hidden : 12 * layer_.hidden + 4 * padded(layer_.hidden)));
    for (int64_t d = 0; d < layer_.directions; ++d) write_direction(directions[static_cast<size_t>(d)], d);
  }

 private:
  CallArg n(int64_t value) const { return context_.number(value); }

  // Of a state that is neither absent nor a constant: the operand, on a grid or in floats.
  std::optional<CallArg> initial(int operand) {
    if (!context_.has_input(operand) || context_.constant(operand) != nullptr) return std::nullopt;
    return context_.is_integer(operand) ? context_.in(operand, plain_order(3))
                                        : context_.in_float(operand, plain_order(3));
  }

  std::optional<CallArg> last(int idx) {
    if (!has_output(context_, static_cast<size_t>(idx))) return std::nullopt;
    return context_.is_result_integer(idx) ? context_.out(plain_order(3), idx)
                                           : context_.out_float(plain_order(3), idx);
  }

  // Where the kernel finds the state at the start.
  CallArg start(int operand, const std::optional<CallArg>& computed, int64_t at, int64_t offset, int bits) {
    if (!context_.has_input(operand)) return context_.scratch(0);
    if (!computed) return constant_start(operand, at, bits);
    const CallArg to = moved(state_.write, offset);
    if (context_.is_integer(operand)) {
      const Grid grid = context_.grid(operand);
      constexpr double kMostMultiplier = 1 << 22;
      const double ratio = std::min(std::ldexp(static_cast<double>(grid.scale), bits), kMostMultiplier / 4);
      int shift = 16;
      while (std::ldexp(ratio, shift) >= kMostMultiplier) --shift;
      context_.call(kWiden, {moved(*computed, at), to, n(layer_.hidden), n(grid.zero_point),
                             n(std::llround(std::ldexp(ratio, shift))), n(shift)});
    } else {
      context_.call(kFromFloats,
                    {moved(*computed, at * static_cast<int64_t>(sizeof(float))), to, n(layer_.hidden), n(bits)});
    }
    return moved(state_.read, offset);
  }

  CallArg constant_start(int operand, int64_t at, int bits) {
    const std::vector<float> all = real_constant(context_, operand);
    std::vector<int16_t> state;
    for (int64_t i = 0; i < layer_.hidden; ++i) {
      const double value = std::ldexp(static_cast<double>(all[static_cast<size_t>(at + i)]), bits);
      state.push_back(static_cast<int16_t>(std::llround(std::clamp(value, -kMostState, kMostState))));
    }
    if (std::all_of(state.begin(), state.end(), [](int16_t value) { return value == 0; })) return context_.scratch(0);
    return context_.data("state", Tensor::of<int16_t>({layer_.hidden}, state));
  }

  void finish(int idx, const std::optional<CallArg>& to, int64_t at, int64_t offset, int bits) {
    if (!to) return;
    const CallArg from = moved(state_.read, offset);
    if (context_.is_result_integer(idx)) {
      std::vector<CallArg> args;
      append(args, {from, moved(*to, at), n(layer_.hidden)});
      for (const int64_t number : narrowing(context_, idx, bits)) append(args, {n(number)});
      context_.call(kNarrow, std::move(args));
    } else {
      context_.call(kToFloats, {from, moved(*to, at * static_cast<int64_t>(sizeof(float))), n(layer_.hidden), n(bits)});
    }
  }

  void write_direction(const Direction& direction, int64_t d) {
    const int64_t at = d * layer_.hidden;
    const int64_t c_offset = layer_.hidden * kStateBytes;
    const auto channels = static_cast<int64_t>(direction.channels.size());
    const StoredMatrices stored = store_matrices(context_, direction.w, direction.r);
    const KernelDef* kernel = stored.kernel(has_c_);
    std::vector<CallArg> args;
    append(args, {x_, moved(y_, at), state_.write, scratch_, start(kInitialH, initial_h_, at, 0, kHiddenBits)});
    if (has_c_) append(args, {start(kInitialC, initial_c_, at, c_offset, kCellBits)});
    append(args, {stored.w, stored.r, context_.data("channels", Tensor::of<int32_t>({channels}, direction.channels)),
                  sigmoid_table(context_)});
    if (kernel != nullptr) append(args, {n(stored.w_bytes), n(stored.r_bytes)});
    append(args, {n(layer_.steps), n(layer_.inputs), n(layer_.hidden), n(layer_.directions * layer_.hidden),
                  n(is_reverse(context_.node(), d) ? 1 : 0)});
    if (!has_c_) append(args, {n(linear_ ? 1 : 0)});
    append(args, {n(direction.x_factor), n(direction.h_factor), n(direction.shift)});
    for (const int64_t number : narrowing(context_, 0, kHiddenBits)) append(args, {n(number)});
    context_.call(kernel != nullptr ? *kernel : has_c_ ? kLstm : kGru, std::move(args));
    context_.multiplies(stored.products * layer_.steps, kStateBytes * layer_.hidden * layer_.steps);
    finish(1, last_h_, at, 0, kHiddenBits);
    if (has_c_) finish(2, last_c_, at, c_offset, kCellBits);
  }

  CodeContext& context_;
  const RecurrentLayer& layer_;
  bool linear_, has_c_;
  Temporary state_;  // h, then c
  CallArg x_, y_, scratch_;
  std::optional<CallArg> initial_h_, initial_c_, last_h_, last_c_;
};

}  // namespace

bool code_recurrent_s16(CodeContext& context, const RecurrentLayer& layer) {
  const bool is_lstm = layer.gates == 4;
  if (!context.is_integer(kX) || (has_output(context, 0) && !context.is_result_integer(0))) return false;
  const bool fits = can_narrow(context, 0, kHiddenBits) && can_narrow(context, 1, kHiddenBits) &&
                    (!is_lstm || can_narrow(context, 2, kCellBits));
  if (!fits) return false;
  const bool linear = !is_lstm && int_attr(context.node(), "linear_before_reset") != 0;
  const auto directions = directions_of(context, layer, linear);
  if (!directions) return false;
  Writer(context, layer, linear).write(*directions);
  return true;
}

}  // namespace tinyc
