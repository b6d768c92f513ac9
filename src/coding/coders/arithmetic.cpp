// arithmetic: adaptive binary range coding, the encoder of rt/arithmetic_s8.h, which says how levels are decided.
//
// The encoder narrows [low, low + range) as the decoder will. A byte leaves at the upper end when range has become
// small; one that a carry could still change waits in `cache_`, and bytes 0xFF behind it as a count. The first byte is
// always 0 and not written. At the end low is rounded up to a multiple of 2^16, which range leaves room for, so that
// two bytes finish the stream and the decoder knows what must be left.
#include <cstddef>

#include "coding/decode_rows.h"
#include "coding/level_model.h"

namespace tinyc {
namespace {

class ArithmeticWriter {
 public:
  explicit ArithmeticWriter(const tc_arrangement& arrangement) {
    tc_reset_models(models_);
    const auto reach = static_cast<uint32_t>(arrangement.reach);
    stream_.push_back(static_cast<uint8_t>(arrangement.around + 4 * arrangement.by_sign));
    if (arrangement.around != TC_AROUND_NOTHING) stream_.push_back(static_cast<uint8_t>(reach & 0xFF));
    if (arrangement.around == TC_AROUND_NEIGHBOURS) stream_.push_back(static_cast<uint8_t>(reach >> 8));
    header_ = stream_.size();
  }

  void decide(int32_t at, bool decision) {
    tc_model* model = models_ + at;
    const uint32_t zero = (range_ >> 16) * model->zero;
    narrow(decision ? zero : 0, decision ? range_ - zero : zero);
    tc_adapt(model, decision);
  }
  void plain(bool bit) {
    const uint32_t half = range_ >> 1;
    narrow(bit ? half : 0, half);
  }

  CodedLevels finish() {
    low_ = (low_ + 0xFFFF) & ~uint64_t{0xFFFF};
    for (int i = 0; i < 3; ++i) shift_out();
    const auto header = static_cast<int64_t>(header_);
    const auto size = static_cast<int64_t>(stream_.size());
    return {std::move(stream_), {.values = size - header, .tables = header}};
  }

 private:
  void narrow(uint32_t from, uint32_t range) {
    low_ += from;
    range_ = range;
    for (; range_ < uint32_t{TC_LEAST_RANGE}; range_ <<= 8) shift_out();
  }

  void shift_out() {
    const bool carry = low_ >> 32 != 0;
    if (carry || low_ < 0xFF000000U) {
      const uint8_t add = carry ? 1 : 0;
      if (!first_) stream_.push_back(static_cast<uint8_t>(cache_ + add));
      first_ = false;
      for (; waiting_ > 0; --waiting_) stream_.push_back(static_cast<uint8_t>(0xFF + add));
      cache_ = static_cast<uint8_t>(low_ >> 24 & 0xFF);
    } else {
      ++waiting_;
    }
    low_ = (low_ & 0x00FFFFFF) << 8;
  }

  std::vector<uint8_t> stream_;
  size_t header_ = 0;
  tc_model models_[TC_MODELS];
  uint64_t low_ = 0;
  uint32_t range_ = 0xFFFFFFFFU;
  uint8_t cache_ = 0;
  bool first_ = true;
  int64_t waiting_ = 0;  // bytes 0xFF behind cache_
};

CodedLevels encode(const LevelMatrix& matrix) {
  const tc_arrangement arrangement = choose_arrangement(matrix);
  ArithmeticWriter writer(arrangement);
  const auto decide = [&](int32_t at, bool decision) { writer.decide(at, decision); };
  const auto plain = [&](bool bit) { writer.plain(bit); };
  visit_levels(matrix, arrangement, [&](int32_t level, int32_t zero_model) {
    visit_level(level, zero_model, arrangement.by_sign != 0, decide, plain);
  });
  return writer.finish();
}

std::optional<std::vector<int8_t>> decode(std::span<const uint8_t> stream, int64_t rows, int64_t columns) {
  tc_arithmetic state;
  return decode_rows(stream, rows, columns, state, tc_arithmetic_open, tc_arithmetic_close);
}

}  // namespace

extern constinit const CoderDef k_coder_arithmetic{
    .name = "arithmetic",
    .summary = "adaptive binary arithmetic coding: fewest bytes, below one bit a weight",
    .encode = encode,
    .decode = decode,
};

}  // namespace tinyc
