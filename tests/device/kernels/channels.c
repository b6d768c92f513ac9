/* Tables of channels from their shorter form. */
#include "../../../src/rt/channels_s8.h"
#include "../harness.h"

enum { kMost = 40, kGuard = 2 };

int main(void) {
  for (int32_t run = 0; run < 50; run++) {
    const int32_t count = (int32_t)(next_random() % kMost);
    int32_t kinds[32], out[2 * kMost + kGuard];
    int16_t words[kMost];
    for (int32_t k = 0; k < 16; k++) {
      kinds[2 * k] = (int32_t)(next_random() >> 1);
      kinds[2 * k + 1] = (int32_t)(1U << (next_random() % 18));
    }
    for (int32_t i = 0; i < count; i++) words[i] = (int16_t)(next_random() & 0xFFFF);
    out[2 * count] = out[2 * count + 1] = 77;
    tc_expand_channels_s8(words, kinds, out, count);
    for (int32_t i = 0; i < count; i++) {
      const int32_t kind = words[i] & 15;
      const int32_t code = (words[i] - kind) / 16;
      check(out[2 * i] == code * kinds[2 * kind + 1], "bias");
      check(out[2 * i + 1] == kinds[2 * kind], "multiplier");
    }
    check(out[2 * count] == 77 && out[2 * count + 1] == 77, "what lies behind");
  }
  return finish();
}
