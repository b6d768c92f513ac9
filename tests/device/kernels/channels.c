/* Tables of channels from their shorter form. */
#include "channels_s8.h"
#include "harness.h"

enum { kMost = 40, kGuard = 2 };

int main(void) {
  for (int32_t run = 0; run < 50; run++) {
    const int32_t count = (int32_t)(next_random() % kMost);
    int32_t out[2 * kMost + kGuard];
    int16_t words[kMost];
    const int32_t multiplier = (int32_t)(1 + (next_random() >> 1) % 0x7FFFFFFEU), below = run % 2;
    const uint64_t twice = 2 * (uint64_t)multiplier - (uint64_t)below;
    const int32_t unit = 1 << (next_random() % 5);
    for (int32_t i = 0; i < count; i++) words[i] = (int16_t)(next_random() & 0xFFFF);
    out[2 * count] = out[2 * count + 1] = 77;
    tc_expand_channels_s8(words, multiplier, below, unit, out, count);
    for (int32_t i = 0; i < count; i++) {
      const int32_t k = words[i] & 15;
      const int32_t code = (words[i] - k) / 16;
      const uint64_t bits = (uint64_t)1 << k;
      check(out[2 * i] == code * unit * (1 << k), "bias");
      check(out[2 * i + 1] == (int32_t)((twice + bits) / (2 * bits)), "multiplier");
    }
    check(out[2 * count] == 77 && out[2 * count + 1] == 77, "what lies behind");
  }
  return finish();
}
