/* Text and exit code of a bare-metal program, through the debugger's channel (Arm semihosting, which RISC-V shares). */
#ifndef TINYC_TESTS_SEMIHOSTING_H
#define TINYC_TESTS_SEMIHOSTING_H

#include <stdint.h>

/* One request; its number and its argument stand in the first two argument registers. Defined per architecture. */
intptr_t semihosting_call(intptr_t request, const void* argument);

static inline void semihosting_write(const char* text) {
  (void)semihosting_call(0x04, text);
}

/* Ends the emulator with this exit code: SYS_EXIT_EXTENDED, reason "application exit". */
static inline void semihosting_exit(int code) {
  const uint32_t block[2] = {0x20026U, (uint32_t)code};
  (void)semihosting_call(0x20, block);
  for (;;) {
  }
}

#endif
