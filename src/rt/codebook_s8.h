/* Levels (int8) from indices into a codebook: for weights that take few values, or whose neighbours come in few
 * combinations (product quantization).
 *
 * An entry of the codebook has `length` levels; a row is a sequence of indices, of `width` bits each. The levels of an
 * entry are neighbours in the row, or as far apart as the row has indices (the taps of one input of a convolution).
 * Stream: a byte of the width (0 to 8), + 16 where levels of an entry are apart; the length; the indices in a row and
 * the rows of a group, 4 bytes each, lowest first. Then for each group of rows its codebook (for length above 1 the
 * number of entries less 1 in front; for length 1 there are 2^width) and its rows, each from a byte on, the first index
 * lowest. Nothing else is stored, so the row at any place can be found, and a row costs a test of bounds.
 *
 * That an index has no entry is noticed; of length 1 it always has one. A changed index is another level.
 * Cost: instructions a level on Cortex-M4: 5 to 6 (1, 2 or 4 bits), 12 (other widths); entries of 2, 4 and 8 levels 17,
 * 12 and 9; a state of some 50 bytes.
 */
#ifndef TC_CODEBOOK_S8_H
#define TC_CODEBOOK_S8_H

#include "byte_stream.h"

enum { TC_ENTRIES_APART = 16, TC_WIDEST_INDEX = 8, TC_MOST_INDICES = (1 << 28) - 1 };

typedef struct {
  tc_row_reader read_row;
  tc_bytes bytes;
  const int8_t* entries; /* of the group; null where they are not all there */
  int32_t last;          /* of them */
  int32_t width, length, step, indices;
  int32_t group, rows; /* rows of a group, and how many are still to come */
} tc_codebook;

TC_FN int32_t tc_next_number(tc_bytes* bytes) {
  uint32_t number = tc_next_byte(bytes);
  number |= tc_next_byte(bytes) << 8;
  number |= tc_next_byte(bytes) << 16;
  return (int32_t)(number | tc_next_byte(bytes) << 24);
}

TC_FN void tc_next_codebook(tc_codebook* book) {
  book->last = book->length == 1 ? (1 << book->width) - 1 : (int32_t)tc_next_byte(&book->bytes);
  const int32_t size = (book->last + 1) * book->length;
  book->rows = book->group;
  book->entries = 0;
  if (book->last >> book->width != 0 || size > book->bytes.end - book->bytes.at) return;
  book->entries = (const int8_t*)book->bytes.at;
  book->bytes.at += size;
}

/* Whole bytes of indices, entries of one level. */
TC_INLINE int8_t* tc_look_up_bytes(const uint8_t* at, const uint8_t* end, const int8_t* entries, int8_t* row,
                                   int32_t width) {
  const uint32_t mask = (1U << width) - 1U;
  for (; at != end; row += 8 / width) {
    const uint32_t byte = *at++;
    row[0] = entries[byte & mask];
    row[1] = entries[byte >> width & mask];
    if (width == 4) continue;
    row[2] = entries[byte >> 2 * width & mask];
    row[3] = entries[byte >> 3 * width & mask];
    if (width == 2) continue;
    row[4] = entries[byte >> 4 & mask];
    row[5] = entries[byte >> 5 & mask];
    row[6] = entries[byte >> 6 & mask];
    row[7] = entries[byte >> 7];
  }
  return row;
}

TC_FN void tc_look_up_levels(const tc_codebook* book, const uint8_t* at, int8_t* row) {
  const int8_t* const entries = book->entries;
  const int32_t width = book->width;
  const int8_t* const end = row + book->indices;
  const uint32_t mask = (1U << width) - 1U;
  const uint8_t* const whole = at + (book->indices * width >> 3);
  uint32_t window = 0;
  int32_t count = 0;
  if (width == 4) row = tc_look_up_bytes(at, whole, entries, row, 4);
  if (width == 2) row = tc_look_up_bytes(at, whole, entries, row, 2);
  if (width == 1) row = tc_look_up_bytes(at, whole, entries, row, 1);
  if (width == 4 || width == 2 || width == 1) at = whole;
  while (row != end) {
    if (count < width) {
      window |= (uint32_t)*at++ << count;
      count += 8;
    }
    *row++ = entries[window & mask];
    window >>= width;
    count -= width;
  }
}

TC_FN int32_t tc_look_up_entries(const tc_codebook* book, const uint8_t* at, int8_t* row) {
  const int8_t* const entries = book->entries;
  const int32_t width = book->width;
  const int32_t length = book->length;
  const int32_t step = book->step;
  const int32_t last = book->last;
  const int32_t next = step == 1 ? 0 : 1 - step * length;
  const uint32_t mask = (1U << width) - 1U;
  int32_t result = TC_DECODED;
  uint32_t window = 0;
  int32_t count = 0;
  for (int32_t i = book->indices; i > 0; --i, row += next) {
    if (count < width) {
      window |= (uint32_t)*at++ << count;
      count += 8;
    }
    int32_t index = (int32_t)(window & mask);
    window >>= width;
    count -= width;
    if (index > last) {
      index = 0;
      result = TC_CORRUPT;
    }
    const int8_t* entry = entries + index * length;
    const int8_t* const end = entry + length;
    do {
      *row = *entry++;
      row += step;
    } while (entry != end);
  }
  return result;
}

/* The indices of the next row; null where they are not all there. */
TC_FN const uint8_t* tc_next_indices(tc_codebook* book, int32_t columns) {
  const int32_t bytes = (book->indices * book->width + 7) >> 3;
  if (book->rows == 0) tc_next_codebook(book);
  book->rows--;
  const uint32_t levels = (uint32_t)book->indices * (uint32_t)book->length;
  if (book->entries == 0 || levels != (uint32_t)columns || bytes > book->bytes.end - book->bytes.at) return 0;
  book->bytes.at += bytes;
  return book->bytes.at - bytes;
}

TC_NOINLINE int32_t tc_codebook_row(void* decoder, const int8_t* above, int8_t* row, int32_t columns) {
  tc_codebook* const book = (tc_codebook*)decoder;
  const uint8_t* const at = tc_next_indices(book, columns);
  (void)above;
  if (at == 0) {
    if (columns > 0) memset(row, 0, (size_t)columns);
    return TC_CORRUPT;
  }
  if (book->length > 1) return tc_look_up_entries(book, at, row);
  tc_look_up_levels(book, at, row);
  return TC_DECODED;
}

/* Where this fails, rows may be read all the same: they are some levels. */
TC_FN int32_t tc_codebook_open(const uint8_t* stream, void* decoder, int32_t length) {
  tc_codebook* const book = (tc_codebook*)decoder;
  const tc_bytes bytes = {stream, stream + length, 0};
  book->read_row = tc_codebook_row;
  book->bytes = bytes;
  const uint32_t form = tc_next_byte(&book->bytes);
  book->width = (int32_t)(form & 15U);
  book->length = (int32_t)tc_next_byte(&book->bytes);
  book->indices = tc_next_number(&book->bytes);
  book->group = tc_next_number(&book->bytes);
  book->step = form < TC_ENTRIES_APART ? 1 : book->indices;
  book->entries = 0;
  book->rows = 0;
  if (form < 2 * TC_ENTRIES_APART && book->width <= TC_WIDEST_INDEX && book->length > 0 && book->indices >= 0 &&
      book->indices <= TC_MOST_INDICES && book->group > 0 && book->bytes.past == 0) {
    return TC_DECODED;
  }
  book->width = 0;
  book->indices = -1; /* rows have another number of levels */
  book->group = 1;
  return TC_CORRUPT;
}

/* After the last row. */
TC_FN int32_t tc_codebook_close(const tc_codebook* book) {
  return book->bytes.at == book->bytes.end && book->bytes.past == 0 ? TC_DECODED : TC_CORRUPT;
}

#endif
