/* Products of a block of pixels with rows of weights: what convolution, 1x1 convolution and matrix product share.
 *
 * A caller stages the inputs of up to tc_block_pixels() pixels (their windows, K numbers each) into scratch, then asks
 * for all output channels of that block:  out[p][o] = requantize(bias[o] + sum_k weights[o][k] * window[p][k]). Since a
 * block is read in full before a byte of it is written, `out` may lie over bytes that only this block reads.
 *
 * Portable. A 32-bit multiply does two products: window elements of two pixels share a word, x = a + 65536 b, and w * x
 * holds w*a in its lower and w*b in its upper half. The halves of two such products still do not meet, so per pair of k
 *   p = w0 * x0 + w1 * x1 + c,   total += p,   upper += p >> 16,
 * with c = 32767 - 65536, which moves the lower sum to 0..65535 and the upper one into int16 (weights may be -128). In
 * the end sum_b = upper + pairs, sum_a = total - 65536 * upper - 32767 * pairs, modulo 2^32, exact. Per pair that is
 * two multiplies and five additions or shifts for four products.
 */
#ifndef TC_PRODUCT_S8_H
#define TC_PRODUCT_S8_H

#include "base.h"

/* Bytes of scratch of a block of windows of `inputs` numbers, on whichever path. */
TC_INLINE int32_t tc_block_bytes(int32_t inputs) {
  return (inputs <= 1024 ? 8 : 4) * ((inputs + 15) & ~15);
}

TC_INLINE void tc_copy(int8_t* to, const int8_t* from, int32_t count) {
#if defined(TC_MVE)
  __asm__ volatile(
      "dlstp.8 lr, %[count]\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[to]], #16\n\t"
      "letp lr, 1b\n\t"
      : [from] "+r"(from), [to] "+r"(to)
      : [count] "r"(count)
      : "lr", "q0", "memory");
#elif defined(TC_DSP)
  const int8_t* end = from + (count & ~3);
  for (; from != end; from += 4, to += 4) tc_store4(to, tc_load4(from));
  if ((count & 2) != 0) {
    to[0] = from[0];
    to[1] = from[1];
    from += 2;
    to += 2;
  }
  if ((count & 1) != 0) *to = *from;
#else
  const int8_t* end = from + count;
  while (from != end) *to++ = *from++;
#endif
}

TC_INLINE void tc_fill(int8_t* to, int32_t value, int32_t count) {
  for (; count > 0; count--) *to++ = (int8_t)value;
}

#if defined(TC_DSP)

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 4

/* Pixels of a full block. */
TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  return inputs <= 1024 ? 4 : 2;
}

/* Bytes to 16 bits; of every four, elements 0 and 2 go to to[0], elements 1 and 3 to to[step]; zeros behind the last.
 */
TC_INLINE void tc_widen(const int8_t* from, uint32_t* to, int32_t step, int32_t count) {
  const int8_t* end = from + (count & ~15);
  while (from != end) {
    const uint32_t a = tc_load4(from);
    const uint32_t b = tc_load4(from + 4);
    const uint32_t c = tc_load4(from + 8);
    const uint32_t d = tc_load4(from + 12);
    from += 16;
    to[0] = tc_widen_even(a);
    to[step] = tc_widen_odd(a);
    to[2 * step] = tc_widen_even(b);
    to[3 * step] = tc_widen_odd(b);
    to[4 * step] = tc_widen_even(c);
    to[5 * step] = tc_widen_odd(c);
    to[6 * step] = tc_widen_even(d);
    to[7 * step] = tc_widen_odd(d);
    to += 8 * step;
  }
  end += count & 12;
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

TC_NOINLINE void tc_widen_by_4(const int8_t* from, uint32_t* to, int32_t count) {
  tc_widen(from, to, 4, count);
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
  kTaskMultiplier,
  kTaskOut,
  kTaskRounding,
  kTaskShift,
  kTaskStep,
  kTaskLast,
  kTaskBlock,
  kTaskBlockEnd,
  kTaskEntry,
  kTaskEnd,
  kTaskWeights,
  kTaskWords
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
  uint32_t task[kTaskWords];
  task[kTaskMultiplier] = (uint32_t)(channels + 1);
  task[kTaskOut] = (uint32_t)out;
  task[kTaskRounding] = (uint32_t)rounding;
  task[kTaskShift] = (uint32_t)shift;
  task[kTaskStep] = (uint32_t)out_step;
  task[kTaskLast] = (uint32_t)((pixels - 1) * out_step);
  task[kTaskBlock] = (uint32_t)block;
  task[kTaskEnd] = (uint32_t)(channels + 1 + 2 * out_c);
  task[kTaskWeights] = (uint32_t)weights;
  if (pixels > 2) {
    task[kTaskBlockEnd] = (uint32_t)((const uint32_t*)block + 8 * steps);
    task[kTaskEntry] = (uint32_t)(skipped * 13 * 4 + 1);
    tc_product_4(task);
  } else {
    task[kTaskBlockEnd] = (uint32_t)((const uint32_t*)block + 4 * steps);
    task[kTaskEntry] = (uint32_t)(skipped * 8 * 4 + 1);
    tc_product_2(task);
  }
  if (low <= -128 && high >= 127) return;
  for (; pixels > 0; pixels--, out += out_step) {
    for (int32_t o = 0; o < out_c; o++) out[o] = (int8_t)tc_clamp(out[o], low, high);
  }
}

#elif defined(TC_MVE)

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 16

/* Pixels of a full block. */
TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  (void)inputs;
  return 4;
}

/* `count` elements of the window of pixel `pixel` of `pixels`, from its element `at` on. Pixels are staged in order. A
 * block is a sequence of 64 bytes, 16 elements of each of four windows; those behind the last meet weights of zero. */
TC_INLINE void tc_stage(void* block, int32_t pixel, int32_t pixels, int32_t inputs, int32_t at, const int8_t* from,
                        int32_t count) {
  int8_t* to = (int8_t*)block + at * 4 + pixel * 16;
  (void)pixels;
  (void)inputs;
  __asm__ volatile(
      "dlstp.8 lr, %[count]\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[to]], #64\n\t"
      "letp lr, 1b\n\t"
      : [from] "+r"(from), [to] "+r"(to)
      : [count] "r"(count)
      : "lr", "q0", "memory");
}

/* 16 elements of four windows with 16 weights of two channels; the latter are in q0 and q1. */
#define TC_STEP_16              \
  "vldrb.8 q2, [r1], #16\n\t"   \
  "vmladava.s8 r0, q0, q2\n\t"  \
  "vmladava.s8 r8, q1, q2\n\t"  \
  "vldrb.8 q3, [r1], #16\n\t"   \
  "vmladava.s8 r2, q0, q3\n\t"  \
  "vmladava.s8 r10, q1, q3\n\t" \
  "vldrb.8 q2, [r1], #16\n\t"   \
  "vmladava.s8 r4, q0, q2\n\t"  \
  "vmladava.s8 r12, q1, q2\n\t" \
  "vldrb.8 q3, [r1], #16\n\t"   \
  "vmladava.s8 r6, q0, q3\n\t"  \
  "vmladava.s8 lr, q1, q3\n\t"

/* What the loop below works from, by its offset in words; the loop leaves nothing to the compiler but its address,
 * since sums need registers of even number, all eight of them. */
enum {
  kTaskZeros,
  kTaskBlock = 8,
  kTaskInputs,
  kTaskRow0,
  kTaskRow1,
  kTaskChannels,
  kTaskOut,
  kTaskRounding,
  kTaskShift,
  kTaskStep,
  kTaskPixels,
  kTaskEnd,
  kTaskApart,
  kTaskOffsets,
  kTaskLow = 24,
  kTaskHigh = 28,
  kTaskWords = 32
};

/* Four windows with two rows of weights at a time until the channels end. Behind a row's end weights are zeros. */
TC_INLINE void tc_product_pairs(uint32_t* task) {
  __asm__ volatile(
      "add r1, %[task], #80\n\t"
      "vldrw.32 q4, [r1]\n\t"
      "vldrw.32 q5, [r1, #16]\n\t"
      "vldrw.32 q6, [r1, #32]\n"
      "1:\n\t"
      "ldrd r1, r9, [%[task], #32]\n\t"
      "ldrd r3, r11, [%[task], #40]\n\t"
      "ldm %[task], {r0, r2, r4, r6, r8, r10, r12, lr}\n\t"
      "subs r9, r9, #16\n\t"
      "blt 3f\n"
      "2:\n\t"
      "vldrb.8 q0, [r3], #16\n\t"
      "vldrb.8 q1, [r11], #16\n\t"  //
      TC_STEP_16
      "subs r9, r9, #16\n\t"
      "bge 2b\n"
      "3:\n\t"
      "adds r9, r9, #16\n\t"
      "beq 4f\n\t"
      "vctp.8 r9\n\t"
      "vpstt\n\t"
      "vldrbt.8 q0, [r3]\n\t"
      "vldrbt.8 q1, [r11]\n\t"  //
      TC_STEP_16
      "4:\n\t"
      "vmov q0[2], q0[0], r0, r4\n\t"
      "vmov q0[3], q0[1], r2, r6\n\t"
      "vmov q1[2], q1[0], r8, r12\n\t"
      "vmov q1[3], q1[1], r10, lr\n\t"
      "ldrd r0, r2, [%[task], #48]\n\t"
      "ldrd r1, r3, [%[task], #56]\n\t"
      "ldm r0!, {r4, r6, r8, r10}\n\t"
      "vadd.i32 q0, q0, r4\n\t"
      "vdup.32 q2, r6\n\t"
      "vadd.i32 q1, q1, r8\n\t"
      "vdup.32 q3, r10\n\t"
      "vmulh.s32 q0, q0, q2\n\t"
      "vmulh.s32 q1, q1, q3\n\t"
      "vadd.i32 q0, q0, r1\n\t"
      "vadd.i32 q1, q1, r1\n\t"
      "vshl.s32 q0, r3\n\t"
      "vshl.s32 q1, r3\n\t"
      "ldrd r4, r6, [%[task], #64]\n\t"
      "ldrd r8, r10, [%[task], #72]\n\t"
      "ldrd r3, r11, [%[task], #40]\n\t"
      "vmax.s32 q0, q0, q5\n\t"
      "vmax.s32 q1, q1, q5\n\t"
      "vmin.s32 q0, q0, q6\n\t"
      "vmin.s32 q1, q1, q6\n\t"
      "vctp.32 r6\n\t"
      "add r10, r10, r2\n\t"
      "vpstt\n\t"
      "vstrbt.32 q0, [r2, q4]\n\t"
      "vstrbt.32 q1, [r10, q4]\n\t"
      "add r2, r2, #2\n\t"
      "add r3, r3, r4\n\t"
      "add r11, r11, r4\n\t"
      "strd r0, r2, [%[task], #48]\n\t"
      "strd r3, r11, [%[task], #40]\n\t"
      "cmp r0, r8\n\t"
      "bne 1b\n\t"
      :
      : [task] "r"(task)
      : "r0", "r1", "r2", "r3", "r4", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q5",
        "q6", "cc", "memory");
}

TC_NOINLINE void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                                  int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                                  int32_t shift, int32_t low, int32_t high) {
  const int32_t row = (inputs + 3) & ~3;
  const int32_t even = out_c & ~1;
  uint32_t task[kTaskWords];
  int32_t last[4];
  vst1q_u32(task, vdupq_n_u32(0));
  vst1q_u32(task + 4, vdupq_n_u32(0));
  vst1q_u32(task + kTaskOffsets, vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)out_step));
  vst1q_u32(task + kTaskLow, vdupq_n_u32((uint32_t)low));
  vst1q_u32(task + kTaskHigh, vdupq_n_u32((uint32_t)high));
  task[kTaskBlock] = (uint32_t)block;
  task[kTaskInputs] = (uint32_t)inputs;
  task[kTaskRow0] = (uint32_t)weights;
  task[kTaskRow1] = (uint32_t)(weights + row);
  task[kTaskChannels] = (uint32_t)channels;
  task[kTaskOut] = (uint32_t)out;
  task[kTaskRounding] = (uint32_t)rounding;
  task[kTaskShift] = (uint32_t)-shift;
  task[kTaskStep] = (uint32_t)(2 * row);
  task[kTaskPixels] = (uint32_t)pixels;
  task[kTaskEnd] = (uint32_t)(channels + 2 * even);
  task[kTaskApart] = 1;
  for (int32_t pass = even > 0 ? 0 : 1; pass < 1 + (out_c & 1); pass++) {
    if (pass == 1) {
      /* The last of an odd number is a pair of the same channel, written twice to one place. */
      last[0] = last[2] = channels[2 * even];
      last[1] = last[3] = channels[2 * even + 1];
      task[kTaskRow0] = task[kTaskRow1] = (uint32_t)(weights + even * row);
      task[kTaskChannels] = (uint32_t)last;
      task[kTaskOut] = (uint32_t)(out + even);
      task[kTaskEnd] = (uint32_t)(last + 4);
      task[kTaskApart] = 0;
    }
    tc_product_pairs(task);
  }
}

#else

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 1

TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  (void)inputs;
  return 2;
}

/* `count` elements of pixel `pixel`'s window, from its element `at` on. Pixels are staged in order. */
TC_FN void tc_stage(void* block, int32_t pixel, int32_t pixels, int32_t inputs, int32_t at, const int8_t* from,
                    int32_t count) {
  uint32_t* to = (uint32_t*)block + at;
  (void)pixels;
  const int8_t* end = from + count;
  if (pixel == 0) {
    while (from != end) *to++ = (uint32_t)*from++;
    if (at + count == inputs) {
      for (; (inputs & 3) != 0; inputs++) *to++ = 0;
    }
  } else {
    while (from != end) *to++ += (uint32_t)*from++ << 16;
  }
}

#define TC_PAIR(w, at, total, upper)                                                       \
  {                                                                                        \
    const uint32_t sum = (uint32_t)(w)[at] * x0 + (uint32_t)(w)[(at) + 1] * x1 + shift_in; \
    total += sum;                                                                          \
    upper += (int32_t)sum >> 16;                                                           \
  }

TC_NOINLINE void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                                  int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                                  int32_t shift, int32_t low, int32_t high) {
  const uint32_t shift_in = 32767U - 65536U;
  const int32_t row = (inputs + 3) & ~3;
  const int32_t pairs = row / 2;
  for (int32_t o = 0; o < out_c; o += 2) {
    const int32_t more = o + 1 < out_c;
    const int8_t* w0 = weights;
    const int8_t* w1 = weights + (more ? row : 0);
    const int32_t* second = channels + (more ? 2 : 0);
    const uint32_t* x = (const uint32_t*)block;
    const uint32_t* end = x + row;
    uint32_t total0 = 0;
    uint32_t total1 = 0;
    int32_t upper0 = 0;
    int32_t upper1 = 0;
    do {
      const uint32_t x0 = x[0];
      const uint32_t x1 = x[1];
      TC_PAIR(w0, 0, total0, upper0)
      TC_PAIR(w1, 0, total1, upper1)
      w0 += 2;
      w1 += 2;
      x += 2;
    } while (x != end);
    total0 -= ((uint32_t)upper0 << 16) + 32767U * (uint32_t)pairs - (uint32_t)channels[0];
    total1 -= ((uint32_t)upper1 << 16) + 32767U * (uint32_t)pairs - (uint32_t)second[0];
    upper0 += pairs + channels[0];
    upper1 += pairs + second[0];
    out[o] = (int8_t)tc_clamp(tc_requantize((int32_t)total0, channels[1], rounding, shift), low, high);
    if (pixels > 1) {
      out[out_step + o] = (int8_t)tc_clamp(tc_requantize(upper0, channels[1], rounding, shift), low, high);
    }
    if (more) {
      out[o + 1] = (int8_t)tc_clamp(tc_requantize((int32_t)total1, second[1], rounding, shift), low, high);
      if (pixels > 1) {
        out[out_step + o + 1] = (int8_t)tc_clamp(tc_requantize(upper1, second[1], rounding, shift), low, high);
      }
    }
    weights += 2 * row;
    channels += 4;
  }
}

#undef TC_PAIR

#endif

#endif
