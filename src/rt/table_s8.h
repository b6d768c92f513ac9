/* Any function of one int8 value: 256 results computed offline, result of q at index q + 128.
 *
 * Memory: no scratch. Overlap: out may start at or below in.
 */
#ifndef TC_TABLE_S8_H
#define TC_TABLE_S8_H

#include "base.h"

TC_FN void tc_table_s8(const int8_t* in, int8_t* out, const int8_t* table, int32_t size) {
  const int8_t* const middle = table + 128;
  for (int32_t i = 0; i < size; ++i) out[i] = middle[in[i]];
}

#endif
