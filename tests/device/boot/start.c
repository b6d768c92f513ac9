/* From the entry code to main() and out again: memory as C expects it, then the program, then its exit code; and the
 * end of a program that a fault stopped. */
#include <stdint.h>
#include <string.h>

#include "semihosting.h"

int main(void);
void start_program(void);
void report_fault(uint32_t address);

extern uint8_t image_data_load[], image_data_start[], image_data_end[], image_bss_start[], image_bss_end[];

void start_program(void) {
  memcpy(image_data_start, image_data_load, (uintptr_t)image_data_end - (uintptr_t)image_data_start);
  memset(image_bss_start, 0, (uintptr_t)image_bss_end - (uintptr_t)image_bss_start);
  semihosting_exit(main());
}

void report_fault(uint32_t address) {
  char text[] = "fault at 0x........\n";
  for (int digit = 0; digit < 8; digit++) {
    text[18 - digit] = "0123456789abcdef"[address & 15U];
    address >>= 4;
  }
  semihosting_write(text);
  semihosting_exit(99);
}
