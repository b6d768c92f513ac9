/* Levels (int8) from a stream of adaptive binary arithmetic coding: below one bit a level where most are 0.
 *
 * Problem: entropy coding down to what the statistics of one layer allow, with no table in the stream and a decoder of
 * 32-bit additions, shifts and one multiplication for each binary decision.
 *
 * A level is a sequence of decisions: is it 0; its sign; is its magnitude above 1, 2, 3, 4; what is left of it as
 * Exp-Golomb: a unary exponent, then the bits below the leading one. Each decision has a model, the probability that
 * it is 0 in 16 bits, which moves towards what was seen by 1/2, 1/4, 1/4, 1/8 (4 times), ... down to 1/128: nearly the
 * mean while it is young, a window of about 128 decisions when it is old. Bits of a rest below its upper two cost one
 * bit each. The model of "is it 0" is chosen by what lies around the level:
 *   TC_AROUND_NOTHING     one model
 *   TC_AROUND_NEIGHBOURS  by the magnitudes (0, 1, more) of the level `reach` before it in its row, and of the level
 *                         above it; outside is 0
 *   TC_AROUND_GROUP       by the place within a group of `reach` columns, and by how many of the group were not 0: N of
 *                         M weights kept cost what the choice costs
 *
 * Stream: one byte, around + 4 * (magnitudes have models by sign); with neighbours `reach` as two bytes, low first,
 * with groups as one; then the code, whose interval is [0, range) of 32 bits. A decision takes the lower part,
 * (range >> 16) * model, for 0. The last two of the bytes that the decoder has read at the end are zero and not
 * stored, and what it then holds is below 2^16: a stream that was cut or changed does not end like that but by chance
 * (1 in 256 at most, and only where it ends in the right place).
 *
 * Cost: instructions a level on Cortex-M4: 44 where 97 % are 0, 50 (90 %), 96 (3 bits), 133 (4 bits), 439 (8 bits); a
 * state of some 330 bytes. Reads nothing outside of the stream and writes nothing outside of the row, whatever the
 * stream holds. Source: the range coder is that of LZMA (Pavlov), the decisions are those of DeepCABAC (Wiedemann et
 * al., 2020) and of ISO/IEC 15938-17.
 */
#ifndef TC_ARITHMETIC_S8_H
#define TC_ARITHMETIC_S8_H

#include "byte_stream.h"

enum { TC_AROUND_NOTHING, TC_AROUND_NEIGHBOURS, TC_AROUND_GROUP };

enum {
  TC_LARGEST_GROUP = 8,
  TC_UNARY = 4,        /* magnitudes up to here have a decision each */
  TC_MOST_DOUBLED = 6, /* the exponent of the largest rest, 128 - TC_UNARY */
  /* Where each decision has its models. */
  TC_MODEL_ZERO = 0,
  TC_MODEL_SIGN = TC_MODEL_ZERO + TC_LARGEST_GROUP * (TC_LARGEST_GROUP + 1) / 2,
  TC_MODEL_ABOVE = TC_MODEL_SIGN + 1,
  TC_MODEL_EXPONENT = TC_MODEL_ABOVE + 2 * TC_UNARY,
  TC_MODEL_REST = TC_MODEL_EXPONENT + TC_MOST_DOUBLED,
  TC_MODELS = TC_MODEL_REST + 3 * TC_MOST_DOUBLED,
  TC_SLOWEST = 7,
  TC_LEAST_RANGE = 1 << 24,
  TC_UNSTORED = 2 /* bytes that the decoder reads behind the end */
};

typedef struct {
  uint16_t zero; /* probability of 0, times 2^16 */
  uint8_t seen;  /* decisions, up to 127 */
  uint8_t rate;
} tc_model;

/* How the models of "is it 0" are chosen, and whether magnitudes have their own by sign. */
typedef struct {
  int32_t around, reach, by_sign;
} tc_arrangement;

/* Where the decoder is in its stream. */
typedef struct {
  tc_bytes bytes;
  uint32_t range, code;
} tc_interval;

typedef struct {
  tc_row_reader read_row;
  tc_interval interval;
  tc_arrangement arrangement;
  tc_model models[TC_MODELS];
} tc_arithmetic;

TC_INLINE void tc_reset_models(tc_model* models) {
  for (int32_t i = 0; i < TC_MODELS; ++i) {
    models[i].zero = 0x8000;
    models[i].seen = 0;
    models[i].rate = 1;
  }
}

/* zero stays within [127, 65536 - 127]. */
TC_INLINE void tc_adapt(tc_model* model, int32_t decision) {
  const uint32_t zero = model->zero;
  const uint32_t rate = model->rate;
  model->zero = (uint16_t)(decision ? zero - (zero >> rate) : zero + ((0x10000U - zero) >> rate));
  if (rate < TC_SLOWEST) {
    const uint32_t seen = model->seen + 1U;
    model->seen = (uint8_t)seen;
    model->rate = (uint8_t)(rate + ((seen & (seen + 1U)) == 0));
  }
}

TC_INLINE int32_t tc_magnitude(int32_t level) {
  return level < 0 ? -level : level;
}

/* Where a level lies within its group of columns. */
typedef struct {
  int32_t place, kept;
} tc_in_group;

TC_INLINE void tc_pass_level(tc_in_group* group, const tc_arrangement* arrangement, int32_t level) {
  group->kept += level != 0;
  if (++group->place == arrangement->reach) group->place = group->kept = 0;
}

/* The model of "is it 0" for the level at `column`; above may be null. */
TC_INLINE int32_t tc_zero_model(const tc_arrangement* arrangement, const int8_t* row, const int8_t* above,
                                int32_t column, const tc_in_group* group) {
  if (arrangement->around == TC_AROUND_NEIGHBOURS) {
    const int32_t left = column < arrangement->reach ? 0 : tc_magnitude(row[column - arrangement->reach]);
    const int32_t over = above == 0 ? 0 : tc_magnitude(above[column]);
    return TC_MODEL_ZERO + 3 * (left < 2 ? left : 2) + (over < 2 ? over : 2);
  }
  if (arrangement->around == TC_AROUND_GROUP) {
    return TC_MODEL_ZERO + group->place * (group->place + 1) / 2 + group->kept;
  }
  return TC_MODEL_ZERO;
}

TC_INLINE void tc_refill(tc_interval* interval) {
  while (interval->range < TC_LEAST_RANGE) {
    interval->code = interval->code << 8 | tc_next_byte(&interval->bytes);
    interval->range <<= 8;
  }
}

TC_INLINE int32_t tc_decide(tc_interval* interval, tc_model* model) {
  const uint32_t zero = (interval->range >> 16) * model->zero;
  const int32_t decision = interval->code >= zero;
  if (decision) {
    interval->code -= zero;
    interval->range -= zero;
  } else {
    interval->range = zero;
  }
  tc_adapt(model, decision);
  tc_refill(interval);
  return decision;
}

TC_INLINE int32_t tc_plain_bit(tc_interval* interval) {
  const uint32_t half = interval->range >> 1;
  const int32_t bit = interval->code >= half;
  interval->code -= bit ? half : 0;
  interval->range = half;
  tc_refill(interval);
  return bit;
}

/* The same where it is rare: one copy of its code. */
TC_NOINLINE int32_t tc_decide_rarely(tc_interval* interval, tc_model* model) {
  return tc_decide(interval, model);
}

/* What is left of a magnitude above TC_UNARY: 1 to 127. */
TC_NOINLINE int32_t tc_read_rest(tc_interval* interval, tc_model* models) {
  int32_t doubled = 0;
  while (doubled < TC_MOST_DOUBLED && tc_decide_rarely(interval, models + TC_MODEL_EXPONENT + doubled)) doubled++;
  tc_model* const upper = models + TC_MODEL_REST + 3 * doubled - 4;
  int32_t rest = 1;
  for (int32_t i = 0; i < doubled; ++i) {
    rest = 2 * rest + (i < 2 ? tc_decide_rarely(interval, upper + rest) : tc_plain_bit(interval));
  }
  return rest;
}

/* A level that is not 0; 128 or more where the stream is corrupt. */
TC_NOINLINE int32_t tc_read_nonzero(tc_arithmetic* state) {
  tc_interval interval = state->interval;
  const int32_t negative = tc_decide(&interval, state->models + TC_MODEL_SIGN);
  tc_model* const above = state->models + TC_MODEL_ABOVE + (negative & state->arrangement.by_sign) * TC_UNARY;
  int32_t magnitude = 1;
  while (magnitude <= TC_UNARY && tc_decide(&interval, above + magnitude - 1)) magnitude++;
  state->interval = interval;
  if (magnitude > TC_UNARY) magnitude = TC_UNARY + tc_read_rest(&state->interval, state->models);
  return negative && magnitude <= 128 ? -magnitude : magnitude;
}

TC_NOINLINE int32_t tc_arithmetic_row(void* decoder, const int8_t* above, int8_t* row, int32_t columns) {
  tc_arithmetic* const state = (tc_arithmetic*)decoder;
  const tc_arrangement arrangement = state->arrangement;
  tc_interval interval = state->interval;
  tc_in_group group = {0, 0};
  for (int32_t column = 0; column < columns; ++column) {
    int32_t level = 0;
    if (tc_decide(&interval, state->models + tc_zero_model(&arrangement, row, above, column, &group))) {
      state->interval = interval;
      level = tc_read_nonzero(state);
      interval = state->interval;
      if (level > 127) return TC_CORRUPT;
    }
    row[column] = (int8_t)level;
    if (arrangement.around == TC_AROUND_GROUP) tc_pass_level(&group, &arrangement, level);
  }
  state->interval = interval;
  return interval.bytes.past > TC_UNSTORED ? TC_CORRUPT : TC_DECODED;
}

/* Where this fails, rows may be read all the same: they are some levels. */
TC_FN int32_t tc_arithmetic_open(const uint8_t* stream, void* decoder, int32_t length) {
  tc_arithmetic* const state = (tc_arithmetic*)decoder;
  state->read_row = tc_arithmetic_row;
  state->interval.bytes.at = stream;
  state->interval.bytes.end = stream + length;
  state->interval.bytes.past = 0;
  const uint32_t header = tc_next_byte(&state->interval.bytes);
  tc_arrangement* const arrangement = &state->arrangement;
  arrangement->around = (int32_t)(header & 3);
  arrangement->by_sign = (int32_t)(header >> 2);
  arrangement->reach = 1;
  if (arrangement->around != TC_AROUND_NOTHING) arrangement->reach = (int32_t)tc_next_byte(&state->interval.bytes);
  if (arrangement->around == TC_AROUND_NEIGHBOURS)
    arrangement->reach |= (int32_t)(tc_next_byte(&state->interval.bytes) << 8);
  tc_reset_models(state->models);
  state->interval.range = 0xFFFFFFFFU;
  state->interval.code = 0;
  for (int32_t i = 0; i < 4; ++i)
    state->interval.code = state->interval.code << 8 | tc_next_byte(&state->interval.bytes);
  const int32_t limit = arrangement->around == TC_AROUND_GROUP ? TC_LARGEST_GROUP : 0xFFFF;
  if (header < 8 && arrangement->around <= TC_AROUND_GROUP && arrangement->reach > 0 && arrangement->reach <= limit) {
    return TC_DECODED;
  }
  arrangement->around = TC_AROUND_NOTHING;
  return TC_CORRUPT;
}

/* After the last row. */
TC_FN int32_t tc_arithmetic_close(const tc_arithmetic* state) {
  return state->interval.bytes.past == TC_UNSTORED && state->interval.code >> (8 * TC_UNSTORED) == 0 ? TC_DECODED
                                                                                                     : TC_CORRUPT;
}

#endif
