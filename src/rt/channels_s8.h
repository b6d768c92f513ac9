/* The table of channels that products read (a bias and a multiplier each), from a shorter form.
 *
 * Stored: 16 bits a channel, k in the low 4, a signed code above. The bias is code * unit * 2^k, the multiplier that of
 * k = 0 over 2^k, rounded half up. Fits layers whose scales are one number times powers of two, with biases of as few
 * significant bits: those rounded for coding. `below` is 1 where the multiplier of k = 0 was itself rounded up, 0
 * elsewhere; with that bit all others come out as if they had been rounded once.
 *
 * Memory: out takes 8 bytes a channel. Overlap: none.
 * Cost: 7 instructions a channel on Cortex-M4.
 */
#ifndef TC_CHANNELS_S8_H
#define TC_CHANNELS_S8_H

#include "base.h"

TC_FN void tc_expand_channels_s8(const int16_t* words, int32_t multiplier, int32_t below, int32_t unit, int32_t* out,
                                 int32_t count) {
  const uint32_t twice = 2 * (uint32_t)multiplier - (uint32_t)below;
  for (; count > 0; --count) {
    const int32_t word = *words++;
    const int32_t k = word & 15;
    out[0] = (word >> 4) * (int32_t)((uint32_t)unit << k);
    out[1] = (int32_t)(((twice >> k) + 1) >> 1);
    out += 2;
  }
}

#endif
