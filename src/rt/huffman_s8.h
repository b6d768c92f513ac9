/* Levels (int8) from a stream of canonical Huffman codes: a table (prefix_code.h), then one code a level.
 *
 * For weights of which few are 0: no level takes less than a bit, but a level takes only some 6 instructions and 3 for
 * each length above the shortest. The table is worth its bytes from some hundred weights on.
 */
#ifndef TC_HUFFMAN_S8_H
#define TC_HUFFMAN_S8_H

#include "prefix_code.h"

typedef struct {
  tc_bits bits;
  tc_prefix_code code;
} tc_huffman;

/* Where this fails, rows may be read all the same: they are some levels. */
TC_FN int32_t tc_huffman_open(tc_huffman* state, const uint8_t* stream, int32_t length) {
  tc_bytes bytes = {stream, stream + length, 0};
  const int32_t result = tc_open_code(&state->code, &bytes);
  state->bits.bytes = bytes;
  tc_start_bits(&state->bits);
  if (result != TC_DECODED) state->code.shortest = 0;
  return result;
}

/* The next row. */
TC_FN int32_t tc_huffman_row(tc_huffman* state, int8_t* row, int32_t columns) {
  for (int32_t column = 0; column < columns; ++column) {
    row[column] = (int8_t)(uint8_t)tc_read_symbol(&state->bits, &state->code);
  }
  return tc_bits_exist(&state->bits) ? TC_DECODED : TC_CORRUPT;
}

/* After the last row. */
TC_FN int32_t tc_huffman_close(const tc_huffman* state) {
  return tc_bits_end(&state->bits) ? TC_DECODED : TC_CORRUPT;
}

#endif
