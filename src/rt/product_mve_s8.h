/* Products of a block of pixels with vectors of 16 bytes (Cortex-M55, M85). See product_s8.h.
 *
 * A vector of weights meets a vector of each of four windows; VMLADAVA adds the 16 products to a sum. With two channels
 * at a time that is six loads for eight sums, all that there are registers for. Four windows of one channel are
 * requantized as one vector and scattered.
 */
#ifndef TC_PRODUCT_MVE_S8_H
#define TC_PRODUCT_MVE_S8_H

#include "base.h"

#if defined(TC_MVE)

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
  kTcTaskZeros,
  kTcTaskBlock = 8,
  kTcTaskInputs,
  kTcTaskRow0,
  kTcTaskRow1,
  kTcTaskChannels,
  kTcTaskOut,
  kTcTaskRounding,
  kTcTaskShift,
  kTcTaskStep,
  kTcTaskPixels,
  kTcTaskEnd,
  kTcTaskApart,
  kTcTaskOffsets,
  kTcTaskLow = 24,
  kTcTaskHigh = 28,
  kTcTaskWords = 32
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
  uint32_t task[kTcTaskWords];
  int32_t last[4];
  vst1q_u32(task, vdupq_n_u32(0));
  vst1q_u32(task + 4, vdupq_n_u32(0));
  vst1q_u32(task + kTcTaskOffsets, vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)out_step));
  vst1q_u32(task + kTcTaskLow, vdupq_n_u32((uint32_t)low));
  vst1q_u32(task + kTcTaskHigh, vdupq_n_u32((uint32_t)high));
  task[kTcTaskBlock] = (uint32_t)block;
  task[kTcTaskInputs] = (uint32_t)inputs;
  task[kTcTaskRow0] = (uint32_t)weights;
  task[kTcTaskRow1] = (uint32_t)(weights + row);
  task[kTcTaskChannels] = (uint32_t)channels;
  task[kTcTaskOut] = (uint32_t)out;
  task[kTcTaskRounding] = (uint32_t)rounding;
  task[kTcTaskShift] = (uint32_t)-shift;
  task[kTcTaskStep] = (uint32_t)(2 * row);
  task[kTcTaskPixels] = (uint32_t)pixels;
  task[kTcTaskEnd] = (uint32_t)(channels + 2 * even);
  task[kTcTaskApart] = 1;
  for (int32_t pass = even > 0 ? 0 : 1; pass < 1 + (out_c & 1); pass++) {
    if (pass == 1) {
      /* The last of an odd number is a pair of the same channel, written twice to one place. */
      last[0] = last[2] = channels[2 * even];
      last[1] = last[3] = channels[2 * even + 1];
      task[kTcTaskRow0] = task[kTcTaskRow1] = (uint32_t)(weights + even * row);
      task[kTcTaskChannels] = (uint32_t)last;
      task[kTcTaskOut] = (uint32_t)(out + even);
      task[kTcTaskEnd] = (uint32_t)(last + 4);
      task[kTcTaskApart] = 0;
    }
    tc_product_pairs(task);
  }
}

#undef TC_STEP_16

#endif

#endif
