/* Weights of 4 or 2 bits back to int8, for the kernels that take int8.
 *
 * Problem: to store small integers q without gaps, and to bring thousands of them back with little work. A byte at a
 * time would take three instructions a weight.
 *
 * Runs (tc_unpack_s8). A unit is 16 bytes: 32 weights of 4 bits or 64 of 2. Its byte i holds weights i, i + 16, ...
 * from its lowest bits up, so that four weights 16 apart fall out of a word, and 16 out of a vector, by a shift and a
 * mask. What is left of a byte is q at its upper end: 16 q (64 q), which needs no sign extension; the caller's
 * multipliers are smaller by that factor. `count` is rounded up to whole units. Instructions a weight, 4 and 2 bits:
 * Cortex-M4 0.9 and 0.8, Cortex-M55 0.4 and 0.3.
 *
 * Blocks (tc_unpack_blocks_s8). Each `block` neighbours (a multiple of 16) among the channels of a tap have a factor k,
 * and what the kernels see is k q. A unit is one word: 8 weights of 4 bits, byte i holding i and i + 4; or 16 of 2
 * bits, i, i + 4, i + 8, i + 12. Stored is c = q + 8 (q + 2), so that one multiplication by k does four bytes: c k <
 * 256. Then 8 k (2 k) <= 126 is taken away in all four at once: top bits are set before, so that nothing is borrowed,
 * and mended after. k <= 15 (63). Each tap of a row starts a unit; codes behind its last channel are those of 0.
 * Instructions a weight: Cortex-M4 3.0 and 2.8, Cortex-M55 1.0 and 1.6.
 *
 * Overlap: none. Up to 60 bytes behind the last weight are written.
 */
#ifndef TC_UNPACK_S8_H
#define TC_UNPACK_S8_H

#include "base.h"

#if defined(TC_MVE)

TC_NOINLINE void tc_unpack_s8(const int32_t* packed, void* out, int32_t count, int32_t bits) {
  const uint8x16_t mask = vdupq_n_u8(bits == 4 ? 0xF0 : 0xC0);
  uint8_t* to = (uint8_t*)out;
  const uint8_t* from = (const uint8_t*)packed;
  for (; count > 0; count -= 512 / (4 * bits)) {
    const uint8x16_t all = vld1q_u8(from);
    from += 16;
    if (bits == 4) {
      vst1q_u8(to, vshlq_n_u8(all, 4));
      vst1q_u8(to + 16, vandq_u8(all, mask));
      to += 32;
    } else {
      vst1q_u8(to, vshlq_n_u8(all, 6));
      vst1q_u8(to + 16, vandq_u8(vshlq_n_u8(all, 4), mask));
      vst1q_u8(to + 32, vandq_u8(vshlq_n_u8(all, 2), mask));
      vst1q_u8(to + 48, vandq_u8(all, mask));
      to += 64;
    }
  }
}

#else

#define TC_UNPACK4(i)                  \
  {                                    \
    const uint32_t word = from[i];     \
    to[i] = (word << 4) & 0xF0F0F0F0U; \
    to[(i) + 4] = word & 0xF0F0F0F0U;  \
  }

#define TC_UNPACK2(i)                        \
  {                                          \
    const uint32_t word = from[i];           \
    to[i] = (word << 6) & 0xC0C0C0C0U;       \
    to[(i) + 4] = (word << 4) & 0xC0C0C0C0U; \
    to[(i) + 8] = (word << 2) & 0xC0C0C0C0U; \
    to[(i) + 12] = word & 0xC0C0C0C0U;       \
  }

TC_NOINLINE void tc_unpack_s8(const int32_t* packed, void* out, int32_t count, int32_t bits) {
  const uint32_t* from = (const uint32_t*)packed;
  uint32_t* to = (uint32_t*)out;
  if (bits == 4) {
    for (; count > 0; count -= 32, from += 4, to += 8) {
      TC_UNPACK4(0)
      TC_UNPACK4(1)
      TC_UNPACK4(2)
      TC_UNPACK4(3)
    }
  } else {
    for (; count > 0; count -= 64, from += 4, to += 16) {
      TC_UNPACK2(0)
      TC_UNPACK2(1)
      TC_UNPACK2(2)
      TC_UNPACK2(3)
    }
  }
}

#undef TC_UNPACK4
#undef TC_UNPACK2

#endif

/* Four codes times k, less `base` in each byte. */
TC_INLINE uint32_t tc_scale_codes(uint32_t codes, uint32_t k, uint32_t base) {
  const uint32_t top = 0x80808080U;
  const uint32_t products = codes * k;
  return ((products | top) - base) ^ (~products & top);
}

/* `count` weights of one block, rounded up to units; returns where the next block begins. */
TC_INLINE const uint32_t* tc_unpack_block_s8(const uint32_t* from, int8_t* to, int32_t count, uint32_t k,
                                             int32_t bits) {
  const uint32_t mask = bits == 4 ? 0x0F0F0F0FU : 0x03030303U;
  const uint32_t base = (bits == 4 ? 0x08080808U : 0x02020202U) * k;
  if (bits == 4) {
    for (; count > 0; count -= 8, to += 8) {
      const uint32_t word = *from++;
      tc_store4(to, tc_scale_codes(word & mask, k, base));
      tc_store4(to + 4, tc_scale_codes((word >> 4) & mask, k, base));
    }
  } else {
    for (; count > 0; count -= 16, to += 16) {
      const uint32_t word = *from++;
      tc_store4(to, tc_scale_codes(word & mask, k, base));
      tc_store4(to + 4, tc_scale_codes((word >> 2) & mask, k, base));
      tc_store4(to + 8, tc_scale_codes((word >> 4) & mask, k, base));
      tc_store4(to + 12, tc_scale_codes((word >> 6) & mask, k, base));
    }
  }
  return from;
}

/* `rows` rows of taps * channels weights, padded to multiples of 4. */
TC_NOINLINE void tc_unpack_blocks_s8(const int32_t* packed, const uint8_t* factors, int8_t* out, int32_t rows,
                                     int32_t taps, int32_t channels, int32_t block, int32_t bits) {
  const uint32_t* from = (const uint32_t*)packed;
  const int32_t row = (taps * channels + 3) & ~3;
  for (; rows > 0; rows--, out += row) {
    int8_t* to = out;
    for (int32_t tap = taps; tap > 0; tap--) {
      int32_t left = channels;
      for (; left > block; left -= block, to += block) from = tc_unpack_block_s8(from, to, block, *factors++, bits);
      from = tc_unpack_block_s8(from, to, left, *factors++, bits);
      to += left;
    }
    tc_store4(to, 0);
  }
}

#endif
