/* The table of channels that products read (a bias and a multiplier each), from a shorter form.
 *
 * Stored: 16 bits a channel, kind in the low 4, a signed code above; and of each kind, at most 16, a multiplier and a
 * factor, in this order. The bias is code * factor. Fits layers whose scales are few different ones and whose biases
 * have as few significant bits: those rounded for coding.
 *
 * Memory: out takes 8 bytes a channel. Overlap: none.
 * Cost: 7 instructions a channel on Cortex-M4.
 */
#ifndef TC_CHANNELS_S8_H
#define TC_CHANNELS_S8_H

#include "base.h"

TC_FN void tc_expand_channels_s8(const int16_t* words, const int32_t* kinds, int32_t* out, int32_t count) {
  for (; count > 0; --count) {
    const int32_t word = *words++;
    const int32_t* const kind = kinds + 2 * (word & 15);
    out[0] = (word >> 4) * kind[1];
    out[1] = kind[0];
    out += 2;
  }
}

#endif
