/* Entry of a Cortex-M image: the vector table, reset, and faults. Armv6-M to Armv8.1-M. */
#include <stdint.h>

#include "semihosting.h"

void start_program(void);
void reset(void);
void fault(void);
void report_fault(uint32_t address);

extern uint32_t image_stack_top[];

intptr_t semihosting_call(intptr_t request, const void* argument) {
  register intptr_t r0 __asm__("r0") = request;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory", "cc");
  return r0;
}

void reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t*)0xE000ED88 |= 0xFU << 20; /* access to the registers of floats and vectors */
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
  start_program();
}

/* The program counter is word 6 of what the core pushed. */
__attribute__((naked)) void fault(void) {
  __asm__("ldr r0, [sp, #24]\n bl report_fault");
}

typedef union {
  uint32_t* stack;
  void (*handler)(void);
} Vector;

__attribute__((section(".entry"), used)) static const Vector vectors[16] = {
    {.stack = image_stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},         {.handler = fault}, {.handler = fault}, {.handler = fault},
    {.handler = fault},         {.handler = fault}, {.handler = fault}, {.handler = fault},
    {.handler = fault},         {.handler = fault}, {.handler = fault}, {.handler = fault}};
