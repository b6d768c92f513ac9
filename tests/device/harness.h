/* What a test of a kernel stands on: numbers that are the same everywhere, checks, and a voice.
 *
 * A test is one C99 file with a main() that ends in `return finish();`. It runs on the host and, unchanged, on an
 * emulated core, where text and exit code leave through semihosting (boot/).
 */
#ifndef TINYC_TESTS_HARNESS_H
#define TINYC_TESTS_HARNESS_H

#include <stdint.h>

#ifdef TINYC_ON_DEVICE
#include "boot/semihosting.h"
static inline void say(const char* text) {
  semihosting_write(text);
}
#else
#include <stdio.h>
static inline void say(const char* text) {
  fputs(text, stdout);
}
#endif

static uint32_t harness_state = 0x2545F491U;
static uint32_t harness_checks = 0;
static uint32_t harness_failures = 0;

static inline void say_number(uint32_t value) {
  char digits[11];
  char* at = digits + 10;
  *at = '\0';
  do {
    *--at = (char)('0' + (char)(value % 10U));
    value /= 10U;
  } while (value != 0);
  say(at);
}

/* The same sequence in every run of every test (xorshift, period 2^32 - 1). */
static inline uint32_t next_random(void) {
  harness_state ^= harness_state << 13;
  harness_state ^= harness_state >> 17;
  harness_state ^= harness_state << 5;
  return harness_state;
}

/* Uniform over all 256 values. */
static inline int8_t random_s8(void) {
  return (int8_t)((int32_t)(next_random() >> 24) - 128);
}

/* Uniform over 0 .. limit - 1. */
static inline int32_t below(int32_t limit) {
  return (int32_t)(next_random() % (uint32_t)limit);
}

/* Uniform over from .. to. */
static inline int32_t pick(int32_t from, int32_t to) {
  return from + below(to - from + 1);
}

/* Counts; tells the first few that fail. */
static inline void check(int ok, const char* what) {
  harness_checks++;
  if (ok) return;
  harness_failures++;
  if (harness_failures > 10) return;
  say("failed: ");
  say(what);
  say("\n");
}

/* The exit code: 0 when something was checked and nothing failed. */
static inline int finish(void) {
  say_number(harness_checks);
  say(" checks, ");
  say_number(harness_failures);
  say(" failed\n");
  return harness_checks != 0 && harness_failures == 0 ? 0 : 1;
}

/* Instructions between two calls are counted by `run.py --count`; a call itself costs two or three. */
__attribute__((noinline, unused)) static void mark(void) {
  __asm__ volatile("");
}

#endif
