/* Products of a block of pixels with 16-bit pairs (Cortex-M4, M7, M33). See product_s8.h.
 *
 * Windows are widened to 16 bits once, into scratch, and there reused by all channels; weights are widened on the way,
 * one channel at a time. Of every four elements a word holds 0 and 2, and the next 1 and 3, as SXTB16 leaves them, so
 * nothing has to be packed; the words of four pixels lie side by side, so that one load brings four. Per four weights
 * and four pixels, 16 products: a load and two widenings of weights, two loads of windows, eight double multiply-adds.
 * A block is four pixels; one of at most two, and blocks of windows of more than 1024, go by twos, where the same takes
 * eight instructions for eight products.
 */
#ifndef TC_PRODUCT_DSP_S8_H
#define TC_PRODUCT_DSP_S8_H

#include "base.h"

#if defined(TC_DSP)

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 4

/* Pixels of a full block. */
TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  return inputs <= 1024 ? 4 : 2;
}

/* Bytes to 16 bits; of every four, elements 0 and 2 go to to[0], elements 1 and 3 to to[step]; zeros behind the last.
 */
TC_NOINLINE void tc_widen(const int8_t* from, uint32_t* to, int32_t step, int32_t count) {
  const int8_t* end = from + (count & ~3);
  while (from != end) {
    const uint32_t word = tc_load4(from);
    from += 4;
    to[0] = tc_widen_even(word);
    to[step] = tc_widen_odd(word);
    to += 2 * step;
  }
  if ((count & 3) != 0) {
    uint32_t word = (uint8_t)from[0];
    if ((count & 3) > 1) word |= (uint32_t)(uint8_t)from[1] << 8;
    if ((count & 3) > 2) word |= (uint32_t)(uint8_t)from[2] << 16;
    to[0] = tc_widen_even(word);
    to[step] = tc_widen_odd(word);
  }
}

/* The same with a step of 4, the frequent case: 16 elements in 28 instructions. */
TC_NOINLINE void tc_widen_by_4(const int8_t* from, uint32_t* to, int32_t count) {
  const int8_t* end = from + (count & ~15);
  for (; from != end; from += 16, to += 32) {
    const uint32_t a = tc_load4(from);
    const uint32_t b = tc_load4(from + 4);
    const uint32_t c = tc_load4(from + 8);
    const uint32_t d = tc_load4(from + 12);
    to[0] = tc_widen_even(a);
    to[4] = tc_widen_odd(a);
    to[8] = tc_widen_even(b);
    to[12] = tc_widen_odd(b);
    to[16] = tc_widen_even(c);
    to[20] = tc_widen_odd(c);
    to[24] = tc_widen_even(d);
    to[28] = tc_widen_odd(d);
  }
  for (end += count & 12; from != end; from += 4, to += 8) {
    const uint32_t word = tc_load4(from);
    to[0] = tc_widen_even(word);
    to[4] = tc_widen_odd(word);
  }
  if ((count & 3) != 0) tc_widen(from, to, 4, count & 3);
}

/* `count` elements of the window of pixel `pixel` of `pixels`, from its element `at` on. Pixels are staged in order. */
TC_INLINE void tc_stage(void* block, int32_t pixel, int32_t pixels, int32_t inputs, int32_t at, const int8_t* from,
                        int32_t count) {
  uint32_t* to = (uint32_t*)block + pixel;
  (void)inputs;
  if (pixels > 2) {
    tc_widen_by_4(from, to + 2 * at, count);
  } else {
    tc_widen(from, to + at, 2, count);
  }
}

/* Four weights of one channel with four elements of four windows: 16 products in 13 instructions of 4 bytes. */
#define TC_STEP_4                      \
  "ldr r4, [lr], #4\n\t"               \
  "ldmia r12!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 r5, r4\n\t"                  \
  "smlad r0, r5, r8, r0\n\t"           \
  "smlad r1, r5, r9, r1\n\t"           \
  "smlad r2, r5, r10, r2\n\t"          \
  "smlad r3, r5, r11, r3\n\t"          \
  "ldmia r12!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 r4, r4, ror #8\n\t"          \
  "smlad r0, r4, r8, r0\n\t"           \
  "smlad r1, r4, r9, r1\n\t"           \
  "smlad r2, r4, r10, r2\n\t"          \
  "smlad r3, r4, r11, r3\n\t"

/* The same of two windows: 8 products in 8 instructions of 4 bytes. */
#define TC_STEP_2                      \
  "ldr r4, [lr], #4\n\t"               \
  "ldmia r12!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 r5, r4\n\t"                  \
  "smlad r0, r5, r8, r0\n\t"           \
  "smlad r1, r5, r9, r1\n\t"           \
  "sxtb16 r4, r4, ror #8\n\t"          \
  "smlad r0, r4, r10, r0\n\t"          \
  "smlad r1, r4, r11, r1\n\t"

/* What the loops below work from, by its offset in words. They are written out since a compiler that runs out of
 * registers stores and reloads a dozen of them per channel; all they leave to it is the address of the task. */
enum {
  kTcTaskMultiplier,
  kTcTaskOut,
  kTcTaskRounding,
  kTcTaskShift,
  kTcTaskStep,
  kTcTaskLast,
  kTcTaskBlock,
  kTcTaskBlockEnd,
  kTcTaskEntry,
  kTcTaskEnd,
  kTcTaskWeights,
  kTcTaskWords
};

#define TC_TASK_CLOBBERS "r0", "r1", "r2", "r3", "r4", "r5", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory"

/* One channel after the other; a row of weights that is no multiple of four steps is entered in the middle of the first
 * four. Without a fourth pixel its place is the third's, whose output is written after it. */
TC_INLINE void tc_product_4(uint32_t* task) {
  __asm__ volatile(
      "adr.w r0, 2f\n\t"
      "ldr r1, [%[task], #32]\n\t"
      "ldr r4, [%[task], #0]\n\t"
      "ldr lr, [%[task], #40]\n\t"
      "add r0, r0, r1\n\t"
      "str r0, [%[task], #32]\n"
      "1:\n\t"
      "ldr r0, [r4, #-4]\n\t"
      "ldr r12, [%[task], #24]\n\t"
      "mov r1, r0\n\t"
      "mov r2, r0\n\t"
      "mov r3, r0\n\t"
      "ldr pc, [%[task], #32]\n\t"
      ".balign 4\n"
      "2:\n\t"  //
      TC_STEP_4 TC_STEP_4 TC_STEP_4 TC_STEP_4
      "ldr r5, [%[task], #28]\n\t"
      "cmp r12, r5\n\t"
      "bne 2b\n\t"
      "ldm %[task], {r4, r5, r8, r9, r10, r11}\n\t"
      "ldr r12, [r4], #8\n\t"
      "smmla r0, r0, r12, r8\n\t"
      "smmla r1, r1, r12, r8\n\t"
      "smmla r2, r2, r12, r8\n\t"
      "smmla r3, r3, r12, r8\n\t"
      "asr r0, r0, r9\n\t"
      "asr r1, r1, r9\n\t"
      "asr r2, r2, r9\n\t"
      "asr r3, r3, r9\n\t"
      "ssat r0, #8, r0\n\t"
      "ssat r1, #8, r1\n\t"
      "ssat r2, #8, r2\n\t"
      "ssat r3, #8, r3\n\t"
      "ldr r12, [%[task], #36]\n\t"
      "strb r3, [r5, r11]\n\t"
      "strb r2, [r5, r10, lsl #1]\n\t"
      "strb r1, [r5, r10]\n\t"
      "strb r0, [r5], #1\n\t"
      "strd r4, r5, [%[task]]\n\t"
      "cmp r4, r12\n\t"
      "bne 1b\n\t"
      :
      : [task] "r"(task)
      : TC_TASK_CLOBBERS);
}

TC_INLINE void tc_product_2(uint32_t* task) {
  __asm__ volatile(
      "adr.w r0, 2f\n\t"
      "ldr r1, [%[task], #32]\n\t"
      "ldr r4, [%[task], #0]\n\t"
      "ldr lr, [%[task], #40]\n\t"
      "add r0, r0, r1\n\t"
      "str r0, [%[task], #32]\n"
      "1:\n\t"
      "ldr r0, [r4, #-4]\n\t"
      "ldr r12, [%[task], #24]\n\t"
      "mov r1, r0\n\t"
      "ldr pc, [%[task], #32]\n\t"
      ".balign 4\n"
      "2:\n\t"  //
      TC_STEP_2 TC_STEP_2 TC_STEP_2 TC_STEP_2
      "ldr r5, [%[task], #28]\n\t"
      "cmp r12, r5\n\t"
      "bne 2b\n\t"
      "ldm %[task], {r4, r5, r8, r9, r10, r11}\n\t"
      "ldr r12, [r4], #8\n\t"
      "smmla r0, r0, r12, r8\n\t"
      "smmla r1, r1, r12, r8\n\t"
      "asr r0, r0, r9\n\t"
      "asr r1, r1, r9\n\t"
      "ssat r0, #8, r0\n\t"
      "ssat r1, #8, r1\n\t"
      "ldr r12, [%[task], #36]\n\t"
      "strb r1, [r5, r11]\n\t"
      "strb r0, [r5], #1\n\t"
      "strd r4, r5, [%[task]]\n\t"
      "cmp r4, r12\n\t"
      "bne 1b\n\t"
      :
      : [task] "r"(task)
      : TC_TASK_CLOBBERS);
}

TC_NOINLINE void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                                  int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                                  int32_t shift, int32_t low, int32_t high) {
  const int32_t steps = (inputs + 3) >> 2;
  const int32_t skipped = -steps & 3;
  uint32_t task[kTcTaskWords];
  task[kTcTaskMultiplier] = (uint32_t)(channels + 1);
  task[kTcTaskOut] = (uint32_t)out;
  task[kTcTaskRounding] = (uint32_t)rounding;
  task[kTcTaskShift] = (uint32_t)shift;
  task[kTcTaskStep] = (uint32_t)out_step;
  task[kTcTaskLast] = (uint32_t)((pixels - 1) * out_step);
  task[kTcTaskBlock] = (uint32_t)block;
  task[kTcTaskEnd] = (uint32_t)(channels + 1 + 2 * out_c);
  task[kTcTaskWeights] = (uint32_t)weights;
  if (pixels > 2) {
    task[kTcTaskBlockEnd] = (uint32_t)((const uint32_t*)block + 8 * steps);
    task[kTcTaskEntry] = (uint32_t)(skipped * 13 * 4 + 1);
    tc_product_4(task);
  } else {
    task[kTcTaskBlockEnd] = (uint32_t)((const uint32_t*)block + 4 * steps);
    task[kTcTaskEntry] = (uint32_t)(skipped * 8 * 4 + 1);
    tc_product_2(task);
  }
  if (low <= -128 && high >= 127) return;
  for (; pixels > 0; pixels--, out += out_step) {
    for (int32_t o = 0; o < out_c; o++) out[o] = (int8_t)tc_clamp(out[o], low, high);
  }
}

#undef TC_STEP_4
#undef TC_STEP_2
#undef TC_TASK_CLOBBERS

#endif

#endif
