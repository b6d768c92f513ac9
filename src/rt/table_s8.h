/* Any function of one int8 value: 256 results computed offline, result of q at index q + 128.
 *
 * Memory: no scratch. Overlap: out may start at or below in.
 */
#ifndef TC_TABLE_S8_H
#define TC_TABLE_S8_H

#include "base.h"

TC_FN void tc_table_s8(const int8_t* in, int8_t* out, const int8_t* table, int32_t size) {
#ifdef TC_MVE
  for (; size > 0; size -= 16) {
    const mve_pred16_t some = vctp8q((uint32_t)size);
    const uint8x16_t index = veorq_u8(vreinterpretq_u8_s8(vldrbq_z_s8(in, some)), vdupq_n_u8(128));
    vstrbq_p_s8(out, vldrbq_gather_offset_z_s8(table, index, some), some);
    in += 16;
    out += 16;
  }
#else
  const int8_t* const middle = table + 128;
  volatile int8_t* to = out; /* volatile: or gcc builds words, which costs more than it saves */
  for (; size >= 4; size -= 4) {
    to[0] = middle[in[0]];
    to[1] = middle[in[1]];
    to[2] = middle[in[2]];
    to[3] = middle[in[3]];
    in += 4;
    to += 4;
  }
  for (; size > 0; --size) *to++ = middle[*in++];
#endif
}

#endif
