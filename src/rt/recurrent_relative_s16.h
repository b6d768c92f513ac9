/* LSTM and GRU of recurrent_s16.h with sparse weights as relative_s8.h stores them: in every step only what is not 0 is
 * multiplied, and nothing is decoded in front.
 *
 * Method. A row's sum walks through its entries, each a level times one number of the vector, whose numbers lie in
 * order. A stream is walked once in a step; GRU stops in front of the candidate's rows and goes on there.
 *
 * Weights: streams of w_length and r_length bytes, rows as recurrent_s16.h has them but not padded. A corrupt one gives
 * some outputs, and harms nothing else: sums wrap, and what goes into a gate is limited to what it is proved to stay
 * below. All else as recurrent_s16.h has it.
 *
 * Cost: instructions an entry on Cortex-M4 and M3 10, on Cortex-M0+ 15, on RISC-V 12, and a row 10 more than one of
 * bytes, which takes 1.6, 2.7, 6.2 and 4 a weight: faster where less than a seventh of the weights is left on
 * Cortex-M4, a quarter on M3, a third on the others. Vectors (MVE) are faster where more than a fiftieth is.
 */
#ifndef TC_RECURRENT_RELATIVE_S16_H
#define TC_RECURRENT_RELATIVE_S16_H

#include "recurrent_s16.h"
#include "relative_s8.h"

typedef struct {
  tc_entries start;   /* of the first row */
  tc_entries entries; /* of the next one */
} tc_relative_matrix;

/* Sums of rows; `in_end` is behind the vector. */
TC_INLINE void tc_sum_rows_s16(tc_entries* next, const int16_t* in_end, int32_t* sums, int32_t rows, int32_t count,
                               int32_t pairs) {
  tc_entries entries = *next;
  for (; rows > 0; --rows) {
    uint32_t sum = 0;
    entries.place -= count;
    while (entries.place < 0) {
      sum += (uint32_t)(entries.level * in_end[entries.place++]);
      tc_next_entry(&entries, 1, pairs, 0);
    }
    *sums++ = (int32_t)sum;
  }
  *next = entries;
}

/* Some rows at a time, so that neither loop has more numbers than a core has registers. */
TC_NOINLINE void tc_relative_rows_s16(void* matrix, const int16_t* in, int32_t* sums, const int32_t* start,
                                      const int32_t* multipliers, int32_t first, int32_t rows, int32_t count,
                                      int32_t factor) {
  enum { kBlock = 16 };
  tc_relative_matrix* const stream = (tc_relative_matrix*)matrix;
  tc_entries* const entries = &stream->entries;
  int32_t block[kBlock];
  if (first == 0) *entries = stream->start;
  in += count;
  for (; rows > 0; rows -= kBlock) {
    const int32_t some = rows < kBlock ? rows : (int32_t)kBlock;
    if (entries->bits == TC_PAIR_ENTRIES)
      tc_sum_rows_s16(entries, in, block, some, count, 1);
    else
      tc_sum_rows_s16(entries, in, block, some, count, 0);
    for (int32_t k = 0; k < some; ++k) {
      const int32_t scaled = (int32_t)((uint32_t)block[k] * (uint32_t)factor);
      *sums++ = tc_clamp(*start++ + tc_mul_high(scaled, *multipliers++), -(1 << 30), (1 << 30) - 1);
    }
  }
}

TC_INLINE tc_weights_s16 tc_relative_weights_s16(tc_relative_matrix* matrix, const uint8_t* stream, int32_t length) {
  const tc_weights_s16 weights = {tc_relative_rows_s16, matrix, 0};
  tc_relative opened;
  (void)tc_relative_open(stream, &opened, length);
  matrix->start = opened.entries;
  return weights;
}

TC_FN void tc_lstm_relative_s8(const int8_t* x, int8_t* y, int16_t* state, void* scratch, const int16_t* h0,
                               const int16_t* c0, const uint8_t* w, const uint8_t* r, const int32_t* channels,
                               const int16_t* table, int32_t w_length, int32_t r_length, int32_t steps, int32_t inputs,
                               int32_t hidden, int32_t y_step, int32_t reverse, int32_t x_factor, int32_t h_factor,
                               int32_t shift, int32_t multiplier, int32_t rounding, int32_t y_shift, int32_t low,
                               int32_t high) {
  tc_relative_matrix by_x;
  tc_relative_matrix by_h;
  tc_lstm_steps(x, y, state, scratch, h0, c0, tc_relative_weights_s16(&by_x, w, w_length),
                tc_relative_weights_s16(&by_h, r, r_length), channels, table, steps, inputs, hidden, y_step, reverse,
                x_factor, h_factor, shift, multiplier, rounding, y_shift, low, high);
}

TC_FN void tc_gru_relative_s8(const int8_t* x, int8_t* y, int16_t* state, void* scratch, const int16_t* h0,
                              const uint8_t* w, const uint8_t* r, const int32_t* channels, const int16_t* table,
                              int32_t w_length, int32_t r_length, int32_t steps, int32_t inputs, int32_t hidden,
                              int32_t y_step, int32_t reverse, int32_t linear, int32_t x_factor, int32_t h_factor,
                              int32_t shift, int32_t multiplier, int32_t rounding, int32_t y_shift, int32_t low,
                              int32_t high) {
  tc_relative_matrix by_x;
  tc_relative_matrix by_h;
  tc_gru_steps(x, y, state, scratch, h0, tc_relative_weights_s16(&by_x, w, w_length),
               tc_relative_weights_s16(&by_h, r, r_length), channels, table, steps, inputs, hidden, y_step, reverse,
               linear, x_factor, h_factor, shift, multiplier, rounding, y_shift, low, high);
}

#endif
