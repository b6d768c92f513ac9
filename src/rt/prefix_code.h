/* Canonical prefix codes (Huffman) over bytes, and the bits that they are read from.
 *
 * Problem: a symbol of few bits from a window of bits, with a table that takes few bytes in the stream and few in
 * memory. Canonical codes follow from their lengths alone: codes of one length are consecutive numbers, in the order of
 * their symbols, and begin where those of the next shorter length end. So a code of length n is one that, as the upper
 * bits of a 16-bit window, is not above last[n]: the length is found by comparing, and the symbol by a subtraction.
 *
 * Table: the least symbol, the number of symbols behind it that the table covers, and for more than none a length of 4
 * bits for each in turn, upper half of a byte first: 1 to 15; 0 and then n stands for n + 1 symbols that do not occur.
 * A table that begins with 0 has no lengths: symbols are numbers of as many bits as the largest needs, counted from the
 * least. One symbol alone takes no bits. A code is complete: no window is without a symbol.
 *
 * Bits are taken from the upper end of bytes. A stream ends in the byte of its last bit, filled up with zeros.
 */
#ifndef TC_PREFIX_CODE_H
#define TC_PREFIX_CODE_H

#include "byte_stream.h"

enum { TC_LONGEST_CODE = 15 };

typedef struct {
  tc_bytes bytes;
  uint32_t window; /* the next bits, uppermost first */
  int32_t count;   /* how many of them */
} tc_bits;

typedef struct {
  uint8_t least;
  uint8_t width;                       /* of symbols without lengths */
  uint8_t shortest;                    /* code, 0: there are no lengths */
  uint8_t span;                        /* symbols behind the least */
  uint16_t last[TC_LONGEST_CODE + 1];  /* window of the last code that is no longer, 1 bits behind it */
  uint16_t start[TC_LONGEST_CODE + 1]; /* of the symbols of a length */
  uint8_t symbols[256];                /* by code */
} tc_prefix_code;

TC_INLINE void tc_start_bits(tc_bits* bits) {
  bits->window = 0;
  bits->count = 0;
}

/* The next 16 bits; zeros behind the end. */
TC_INLINE uint32_t tc_peek_bits(tc_bits* bits) {
  while (bits->count < 16) {
    bits->window |= tc_next_byte(&bits->bytes) << (24 - bits->count);
    bits->count += 8;
  }
  return bits->window >> 16;
}

TC_INLINE void tc_skip_bits(tc_bits* bits, int32_t count) {
  bits->window <<= count;
  bits->count -= count;
}

/* Whether no bit was taken behind the end. */
TC_INLINE int32_t tc_bits_exist(const tc_bits* bits) {
  return bits->count >= 8 * bits->bytes.past;
}

/* Whether all was taken, up to the zeros that fill the last byte. */
TC_INLINE int32_t tc_bits_end(const tc_bits* bits) {
  const int32_t left = bits->count - 8 * bits->bytes.past;
  return bits->bytes.at == bits->bytes.end && left >= 0 && left < 8 && bits->window == 0;
}

/* Reads the lengths behind bits->at: counts them, or with `next` puts symbols in the order of their codes. */
TC_FN int32_t tc_walk_lengths(tc_bits* bits, tc_prefix_code* code, uint16_t* counts, uint16_t* next) {
  const int32_t symbols = code->span + 1;
  int32_t symbol = 0;
  tc_start_bits(bits);
  while (symbol < symbols) {
    const uint32_t length = tc_peek_bits(bits) >> 12;
    if (length == 0) {
      symbol += (int32_t)(tc_peek_bits(bits) >> 8 & 15) + 1;
      tc_skip_bits(bits, 8);
      continue;
    }
    if (next == 0) {
      counts[length]++;
    } else {
      code->symbols[next[length]++] = (uint8_t)(code->least + symbol);
    }
    symbol++;
    tc_skip_bits(bits, 4);
  }
  return symbol == symbols && tc_bits_exist(bits) ? TC_DECODED : TC_CORRUPT;
}

/* A table from the stream; bits are to be started anew behind it. */
TC_FN int32_t tc_open_code(tc_prefix_code* code, tc_bytes* bytes) {
  uint16_t counts[TC_LONGEST_CODE + 1] = {0};
  uint16_t next[TC_LONGEST_CODE + 1];
  memset(code, 0, sizeof *code);
  code->least = (uint8_t)tc_next_byte(bytes);
  code->span = (uint8_t)tc_next_byte(bytes);
  if (code->span == 0) return bytes->past == 0 ? TC_DECODED : TC_CORRUPT;
  if (bytes->at < bytes->end && *bytes->at >> 4 == 0) {
    const uint32_t rest = tc_next_byte(bytes);
    while (code->span >> code->width != 0) code->width++;
    return rest == 0 ? TC_DECODED : TC_CORRUPT;
  }
  tc_bits bits;
  bits.bytes = *bytes;
  if (tc_walk_lengths(&bits, code, counts, 0) != TC_DECODED) return TC_CORRUPT;
  uint32_t end = 0;
  uint32_t start = 0;
  int32_t shortest = 0;
  for (int32_t length = 1; length <= TC_LONGEST_CODE; ++length) {
    end += (uint32_t)counts[length] << (16 - length);
    if (shortest == 0 && counts[length] != 0) shortest = length;
    if (end > 0x10000U) return TC_CORRUPT;
    code->last[length] = (uint16_t)(end - 1U);
    code->start[length] = next[length] = (uint16_t)start;
    start += counts[length];
  }
  if (end != 0x10000U) return TC_CORRUPT;
  code->shortest = (uint8_t)shortest;
  bits.bytes = *bytes;
  (void)tc_walk_lengths(&bits, code, counts, next);
  for (; bits.count >= 8; bits.count -= 8) {
    if (bits.bytes.past > 0) {
      bits.bytes.past--;
    } else {
      bits.bytes.at--;
    }
  }
  *bytes = bits.bytes;
  return TC_DECODED;
}

/* The next symbol. Without lengths a number above the span stands for the least: streams have none. */
TC_INLINE uint32_t tc_read_symbol(tc_bits* bits, const tc_prefix_code* code) {
  if (code->shortest == 0) {
    if (code->width == 0) return code->least;
    const uint32_t number = tc_peek_bits(bits) >> (16 - code->width);
    tc_skip_bits(bits, code->width);
    return (code->least + (number > code->span ? 0U : number)) & 255U;
  }
  const uint32_t window = tc_peek_bits(bits);
  int32_t length = code->shortest;
  while (window > code->last[length]) length++;
  const uint32_t first = length == code->shortest ? 0 : code->last[length - 1] + 1U;
  tc_skip_bits(bits, length);
  return code->symbols[code->start[length] + ((window - first) >> (16 - length))];
}

#endif
