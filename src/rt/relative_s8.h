/* Levels (int8) from entries of one or two bytes, each a level that is not 0 and how many zeros lie before it: a form
 * that takes more bytes than sparse_s8.h, which has Huffman codes, and few instructions. relative_product_s8.h computes
 * with it as it is.
 *
 * All rows are one sequence. An entry of one byte has an index of `bits` bits below the gap, into a table of levels;
 * one of two bytes is the gap and then the level. A longer run of zeros is made of entries whose level is 0. The last
 * entry stands for the place behind the last level; its own level says nothing. Stream: the bits (1 to 7, or 8: two
 * bytes an entry), for 1 to 7 the 2^bits levels of the table, the entries.
 *
 * Places add up: that a gap was changed is noticed at the end. A changed index is another level.
 * Cost: instructions a level on Cortex-M4: 3 where 97 % are 0, 4 (90 %), 7 (70 %); a state of some 40 bytes.
 * Source: the relative index of EIE (Han et al., 2016), whose filler carries a value 0, too.
 */
#ifndef TC_RELATIVE_S8_H
#define TC_RELATIVE_S8_H

#include "byte_stream.h"

enum { TC_PAIR_ENTRIES = 8 /* bits: entries of two bytes */ };

typedef struct {
  const uint8_t* at;
  const uint8_t* end;
  const int8_t* table;
  int32_t bits;
  int32_t place; /* of the next entry, in a row; at or behind its end: it belongs to a later one */
  int32_t level; /* there */
} tc_entries;

typedef struct {
  tc_row_reader read_row;
  tc_entries entries;
  int32_t odd; /* bytes behind the last entry */
} tc_relative;

/* Takes the next entry; places are counted in units. Behind the last entry there are zeros, each at `stop`: not where
 * the last entry of a whole stream stands, when that is to be told. */
TC_INLINE void tc_next_entry(tc_entries* entries, int32_t unit, int32_t pairs, int32_t stop) {
  if (entries->at == entries->end) {
    entries->place = stop;
    entries->level = 0;
  } else if (pairs) {
    entries->place += unit * entries->at[0];
    entries->level = (int8_t)entries->at[1];
    entries->at += 2;
  } else {
    const uint32_t entry = *entries->at++;
    entries->place += unit * (int32_t)(entry >> entries->bits);
    entries->level = entries->table[entry & ((1U << entries->bits) - 1U)];
  }
}

TC_NOINLINE int32_t tc_relative_row(void* decoder, const int8_t* above, int8_t* row, int32_t columns) {
  tc_relative* const state = (tc_relative*)decoder;
  tc_entries entries = state->entries;
  const int32_t pairs = entries.bits == TC_PAIR_ENTRIES;
  (void)above;
  if (columns > 0) memset(row, 0, (size_t)columns);
  while (entries.place < columns) {
    row[entries.place++] = (int8_t)entries.level;
    tc_next_entry(&entries, 1, pairs, columns + 1);
  }
  entries.place -= columns;
  state->entries = entries;
  return TC_DECODED;
}

/* The first entry is taken. Where this fails, rows may be read all the same: they are some levels. */
TC_FN int32_t tc_relative_open(const uint8_t* stream, void* decoder, int32_t length) {
  tc_relative* const state = (tc_relative*)decoder;
  tc_entries* const entries = &state->entries;
  const tc_entries none = {stream, stream, 0, 1, 0, 0};
  state->read_row = tc_relative_row;
  state->odd = 0;
  *entries = none;
  const int32_t bits = length > 0 ? stream[0] : 0;
  const int32_t head = bits < TC_PAIR_ENTRIES ? 1 + (1 << bits) : 1;
  if (bits == 0 || bits > TC_PAIR_ENTRIES || length <= head) return TC_CORRUPT;
  const int32_t pairs = bits == TC_PAIR_ENTRIES;
  state->odd = pairs ? (length - head) & 1 : 0;
  entries->bits = bits;
  entries->table = (const int8_t*)stream + 1;
  entries->at = stream + head;
  entries->end = stream + length - state->odd;
  tc_next_entry(entries, 1, pairs, 1);
  return TC_DECODED;
}

/* After the last row. */
TC_FN int32_t tc_relative_close(const tc_relative* state) {
  return state->entries.at == state->entries.end && state->entries.place == 0 && state->odd == 0 ? TC_DECODED
                                                                                                 : TC_CORRUPT;
}

#endif
