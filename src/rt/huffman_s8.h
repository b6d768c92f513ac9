/* Levels (int8) from a stream of canonical Huffman codes: a table (prefix_code.h), then one code a level.
 *
 * For weights of which few are 0: no level takes less than a bit, but its decoder is three times as fast as that of
 * arithmetic_s8.h. Cost: instructions a level on Cortex-M4: 41 (2 to 4 bits), 58 (8 bits); a state of some 360 bytes.
 */
#ifndef TC_HUFFMAN_S8_H
#define TC_HUFFMAN_S8_H

#include "prefix_code.h"

typedef struct {
  tc_row_reader read_row;
  tc_bits bits;
  tc_prefix_code code;
} tc_huffman;

TC_NOINLINE int32_t tc_huffman_row(void* decoder, const int8_t* above, int8_t* row, int32_t columns) {
  tc_huffman* const state = (tc_huffman*)decoder;
  (void)above;
  for (int32_t column = 0; column < columns; ++column) {
    row[column] = (int8_t)(uint8_t)tc_read_symbol(&state->bits, &state->code);
  }
  return tc_bits_exist(&state->bits) ? TC_DECODED : TC_CORRUPT;
}

/* Where this fails, rows may be read all the same: they are some levels. */
TC_FN int32_t tc_huffman_open(const uint8_t* stream, void* decoder, int32_t length) {
  tc_huffman* const state = (tc_huffman*)decoder;
  state->read_row = tc_huffman_row;
  tc_bytes bytes = {stream, stream + length, 0};
  const int32_t result = tc_open_code(&state->code, &bytes);
  state->bits.bytes = bytes;
  tc_start_bits(&state->bits);
  if (result != TC_DECODED) state->code.shortest = 0;
  return result;
}

/* After the last row. */
TC_FN int32_t tc_huffman_close(const tc_huffman* state) {
  return tc_bits_end(&state->bits) ? TC_DECODED : TC_CORRUPT;
}

#endif
