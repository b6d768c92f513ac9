/* Bytes of a coded stream, read in order; behind its end there are zeros, counted, and nothing is read.
 *
 * A decoder of levels gives TC_DECODED or TC_CORRUPT. What it wrote before it found the stream corrupt is some levels.
 * The first member of its state is the function that reads the next row, so that kernels take any of them.
 */
#ifndef TC_BYTE_STREAM_H
#define TC_BYTE_STREAM_H

#include "base.h"

enum { TC_DECODED = 0, TC_CORRUPT = 1 };

typedef struct {
  const uint8_t* at;
  const uint8_t* end;
  int32_t past; /* bytes read behind the end */
} tc_bytes;

/* `above` is the row before it as it was decoded, null for the first. */
typedef int32_t (*tc_row_reader)(void* state, const int8_t* above, int8_t* row, int32_t columns);

TC_INLINE uint32_t tc_next_byte(tc_bytes* bytes) {
  if (bytes->at < bytes->end) return *bytes->at++;
  bytes->past++;
  return 0;
}

#endif
