/* Rows of a table by number: an embedding of bytes. out [count][bytes] = table [rows][bytes] at indices [count]; an
 * index past the last row gives the last. No overlap, no scratch.
 */
#ifndef TC_LOOKUP_S8_H
#define TC_LOOKUP_S8_H

#include "base.h"

TC_FN void tc_lookup_s8(const uint8_t* indices, int8_t* out, const int8_t* table, int32_t count, int32_t rows,
                        int32_t bytes) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t row = indices[i] < rows ? indices[i] : rows - 1;
    memcpy(out + i * bytes, table + row * bytes, (size_t)bytes);
  }
}

#endif
