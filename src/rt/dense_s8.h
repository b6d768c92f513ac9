/* Fully connected layer, one row: out[o] = requantize(bias[o] + sum_i in[i] * weights[o][i]).
 *
 * Method. Portable: four output channels at a time, so that an input is loaded once for four products. DSP: the inputs
 * are widened to 16 bits once, in scratch; then for two output channels and eight inputs there are two loads of
 * weights, one of inputs, eight widenings and eight double products, in a loop that is written out. Without scratch
 * the inputs are widened again for every four channels. MVE: four channels at a time, 16 products an instruction.
 *
 * Memory: scratch of 2 * round_up(in_c, 16) bytes; may be null.
 *
 * Overlap: none, `out` must not touch `in`.
 *
 * Cost: in_c * out_c products; instructions each, loads and loops included: DSP 1.25 (without scratch 1.6), MVE 0.16.
 */
#ifndef TC_DENSE_S8_H
#define TC_DENSE_S8_H

#include "product_s8.h"

#if defined(TC_DSP)

/* One pixel's output; the saturation is the clamp unless the range is narrower. */
TC_INLINE int8_t tc_finish(int32_t acc, int32_t multiplier, int32_t rounding, int32_t shift, int32_t low, int32_t high,
                           int32_t narrow) {
  int32_t value = tc_requantize(acc, multiplier, rounding, shift);
  __asm__("ssat %0, #8, %0" : "+r"(value));
  if (narrow) value = tc_clamp(value, low, high);
  return (int8_t)value;
}

/* Eight weights of each of two channels with eight inputs: 16 products in 19 instructions of 4 bytes. */
#define TC_STEP_8                     \
  "ldrd r4, r5, [r12], #8\n\t"        \
  "ldmia r3!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 r2, r4\n\t"                 \
  "smlad r0, r2, r8, r0\n\t"          \
  "sxtb16 r4, r4, ror #8\n\t"         \
  "smlad r0, r4, r9, r0\n\t"          \
  "sxtb16 r2, r5\n\t"                 \
  "smlad r0, r2, r10, r0\n\t"         \
  "sxtb16 r5, r5, ror #8\n\t"         \
  "smlad r0, r5, r11, r0\n\t"         \
  "ldrd r4, r5, [lr], #8\n\t"         \
  "sxtb16 r2, r4\n\t"                 \
  "smlad r1, r2, r8, r1\n\t"          \
  "sxtb16 r4, r4, ror #8\n\t"         \
  "smlad r1, r4, r9, r1\n\t"          \
  "sxtb16 r2, r5\n\t"                 \
  "smlad r1, r2, r10, r1\n\t"         \
  "sxtb16 r5, r5, ror #8\n\t"         \
  "smlad r1, r5, r11, r1\n\t"

/* What the loop below works from, by its offset in words. `next` is 1, or 0 for a last channel without a second: then
 * both of a pair are the same, written twice to one place. */
enum {
  kTcDenseNext,
  kTcDenseRounding,
  kTcDenseShift,
  kTcDenseMultiplier,
  kTcDenseOut,
  kTcDenseRow,
  kTcDenseInputs,
  kTcDenseInputsEnd,
  kTcDenseEntry,
  kTcDenseEnd,
  kTcDenseWeights,
  kTcDenseSteps,
  kTcDenseFour,
  kTcDenseWords
};

/* Pairs of channels; where the second row of one ends the first row of the next begins. A row is entered at four
 * weights alone, if there are such, and then in the middle of the unrolled step. */
TC_INLINE void tc_dense_pairs(uint32_t* task) {
  __asm__ volatile(
      "ldr r4, [%[task], #0]\n\t"
      "ldr r9, [%[task], #12]\n\t"
      "ldr lr, [%[task], #40]\n\t"
      "ldrd r0, r1, [%[task], #44]\n\t"
      "adr.w r2, 2f\n\t"
      "add r0, r0, r2\n\t"
      "str r0, [%[task], #44]\n\t"
      "adr.w r2, 4f\n\t"
      "cmp r1, #0\n\t"
      "it ne\n\t"
      "addne r0, r2, #1\n\t"
      "str r0, [%[task], #32]\n"
      "1:\n\t"
      "add r5, r9, r4, lsl #3\n\t"
      "ldrd r2, r3, [%[task], #20]\n\t"
      "ldr r0, [r9, #-4]\n\t"
      "ldr r1, [r5, #-4]\n\t"
      "mov r12, lr\n\t"
      "mla lr, r2, r4, lr\n\t"
      "ldr pc, [%[task], #32]\n\t"
      ".balign 4\n"
      "2:\n\t"  //
      TC_STEP_8 TC_STEP_8 TC_STEP_8 TC_STEP_8
      "ldr r2, [%[task], #28]\n\t"
      "cmp r3, r2\n\t"
      "bne 2b\n\t"
      "ldm %[task], {r4, r5, r8, r9, r10}\n\t"
      "ldr r3, [r9, r4, lsl #3]\n\t"
      "ldr r2, [r9], #16\n\t"
      "smmla r1, r1, r3, r5\n\t"
      "smmla r0, r0, r2, r5\n\t"
      "asr r1, r1, r8\n\t"
      "asr r0, r0, r8\n\t"
      "ssat r1, #8, r1\n\t"
      "ssat r0, #8, r0\n\t"
      "ldr r2, [%[task], #36]\n\t"
      "strb r1, [r10, r4]\n\t"
      "strb r0, [r10], #2\n\t"
      "strd r9, r10, [%[task], #12]\n\t"
      "cmp r9, r2\n\t"
      "bne 1b\n\t"
      "b 5f\n\t"
      ".balign 4\n"
      "4:\n\t"
      "ldr r4, [r12], #4\n\t"
      "ldr r5, [lr], #4\n\t"
      "ldmia r3!, {r8, r9}\n\t"
      "sxtb16 r2, r4\n\t"
      "smlad r0, r2, r8, r0\n\t"
      "sxtb16 r4, r4, ror #8\n\t"
      "smlad r0, r4, r9, r0\n\t"
      "sxtb16 r2, r5\n\t"
      "smlad r1, r2, r8, r1\n\t"
      "sxtb16 r5, r5, ror #8\n\t"
      "smlad r1, r5, r9, r1\n\t"
      "ldr pc, [%[task], #44]\n"
      "5:\n\t"
      :
      : [task] "r"(task)
      : "r0", "r1", "r2", "r3", "r4", "r5", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

/* Inputs in `wide` as tc_widen leaves them. */
TC_NOINLINE void tc_dense_wide(const uint32_t* wide, int8_t* out, const int8_t* weights, const int32_t* channels,
                               int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift, int32_t low,
                               int32_t high) {
  const int32_t words = (in_c + 3) >> 2;
  const int32_t steps = words >> 1;
  const int32_t skipped = steps > 0 ? -steps & 3 : 4;
  uint32_t task[kTcDenseWords];
  task[kTcDenseNext] = 1;
  task[kTcDenseRounding] = (uint32_t)rounding;
  task[kTcDenseShift] = (uint32_t)shift;
  task[kTcDenseMultiplier] = (uint32_t)(channels + 1);
  task[kTcDenseOut] = (uint32_t)out;
  task[kTcDenseRow] = (uint32_t)(4 * words);
  task[kTcDenseInputs] = (uint32_t)wide;
  task[kTcDenseInputsEnd] = (uint32_t)(wide + 2 * words);
  task[kTcDenseFour] = (uint32_t)(words & 1);
  task[kTcDenseWeights] = (uint32_t)weights;
  for (int32_t pass = out_c > 1 ? 0 : 1; pass < 1 + (out_c & 1); pass++) {
    task[kTcDenseSteps] = (uint32_t)(skipped * 19 * 4 + 1);
    task[kTcDenseEnd] = (uint32_t)(channels + 1) + (uint32_t)(out_c & ~1) * 8;
    if (pass == 1) {
      task[kTcDenseNext] = 0;
      task[kTcDenseWeights] = (uint32_t)(weights + (out_c - 1) * 4 * words);
      task[kTcDenseEnd] += 16;
    }
    tc_dense_pairs(task);
  }
  if (low <= -128 && high >= 127) return;
  for (int32_t o = 0; o < out_c; o++) out[o] = (int8_t)tc_clamp(out[o], low, high);
}

#define TC_STEP(at, sum)                               \
  {                                                    \
    const uint32_t four = tc_load4(at);                \
    sum = tc_dual_mac(even, tc_widen_even(four), sum); \
    sum = tc_dual_mac(odd, tc_widen_odd(four), sum);   \
  }

TC_NOINLINE void tc_dense_narrow(const int8_t* in, int8_t* out, const int8_t* weights, const int32_t* channels,
                                 int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift, int32_t low,
                                 int32_t high) {
  const int32_t row = (in_c + 3) & ~3;
  const int8_t* end = in + (in_c & ~3);
  const int32_t narrow = low > -128 || high < 127;
  for (; out_c > 0; out += 4, channels += 8, weights += 3 * row + (row - (in_c & ~3)), out_c -= 4) {
    const int32_t second = out_c > 1 ? row : 0;
    const int32_t third = out_c > 2 ? 2 * row : 0;
    const int32_t fourth = out_c > 3 ? 3 * row : 0;
    const int8_t* x = in;
    int32_t sum0 = channels[0];
    int32_t sum1 = out_c > 1 ? channels[2] : 0;
    int32_t sum2 = out_c > 2 ? channels[4] : 0;
    int32_t sum3 = out_c > 3 ? channels[6] : 0;
    while (x != end) {
      const uint32_t word = tc_load4(x);
      const uint32_t even = tc_widen_even(word);
      const uint32_t odd = tc_widen_odd(word);
      x += 4;
      TC_STEP(weights + second, sum1)
      TC_STEP(weights + third, sum2)
      TC_STEP(weights + fourth, sum3)
      TC_STEP(weights, sum0)
      weights += 4;
    }
    for (int32_t i = 0; i < (in_c & 3); i++) {
      sum0 += x[i] * weights[i];
      sum1 += x[i] * weights[second + i];
      sum2 += x[i] * weights[third + i];
      sum3 += x[i] * weights[fourth + i];
    }
    out[0] = tc_finish(sum0, channels[1], rounding, shift, low, high, narrow);
    if (out_c > 1) out[1] = tc_finish(sum1, channels[3], rounding, shift, low, high, narrow);
    if (out_c > 2) out[2] = tc_finish(sum2, channels[5], rounding, shift, low, high, narrow);
    if (out_c > 3) out[3] = tc_finish(sum3, channels[7], rounding, shift, low, high, narrow);
  }
}

#undef TC_STEP
#undef TC_STEP_8

TC_FN void tc_dense_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights, const int32_t* channels,
                       int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  if (scratch != 0) {
    tc_widen(in, (uint32_t*)scratch, 1, in_c);
    tc_dense_wide((const uint32_t*)scratch, out, weights, channels, in_c, out_c, rounding, shift, low, high);
  } else {
    tc_dense_narrow(in, out, weights, channels, in_c, out_c, rounding, shift, low, high);
  }
}

#elif defined(TC_MVE)

TC_FN void tc_dense_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights, const int32_t* channels,
                       int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t row = (in_c + 3) & ~3;
  const uint32x4_t pairs = vidupq_n_u32(0, 2);
  (void)scratch;
  for (; out_c > 0; out_c -= 4, out += 4, channels += 8, weights += 4 * row) {
    const mve_pred16_t lanes = vctp32q((uint32_t)out_c);
    const int8_t* x = in;
    const int8_t* w0 = weights;
    const int8_t* w1 = w0 + (out_c > 1 ? row : 0);
    const int8_t* w2 = w1 + (out_c > 2 ? row : 0);
    const int8_t* w3 = w2 + (out_c > 3 ? row : 0);
    int32_t a = 0;
    int32_t b = 0;
    int32_t c = 0;
    int32_t d = 0;
    int32x4_t sums = vdupq_n_s32(0);
    __asm__ volatile(
        "dlstp.8 lr, %[inputs]\n"
        "1:\n\t"
        "vldrb.8 q0, [%[x]], #16\n\t"
        "vldrb.8 q1, [%[w0]], #16\n\t"
        "vmladava.s8 %[a], q0, q1\n\t"
        "vldrb.8 q2, [%[w1]], #16\n\t"
        "vmladava.s8 %[b], q0, q2\n\t"
        "vldrb.8 q1, [%[w2]], #16\n\t"
        "vmladava.s8 %[c], q0, q1\n\t"
        "vldrb.8 q2, [%[w3]], #16\n\t"
        "vmladava.s8 %[d], q0, q2\n\t"
        "letp lr, 1b\n\t"
        : [a] "+Te"(a), [b] "+Te"(b), [c] "+Te"(c), [d] "+Te"(d), [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1),
          [w2] "+r"(w2), [w3] "+r"(w3)
        : [inputs] "r"(in_c)
        : "lr", "q0", "q1", "q2", "memory");
    sums = vsetq_lane_s32(a, vsetq_lane_s32(b, vsetq_lane_s32(c, vsetq_lane_s32(d, sums, 3), 2), 1), 0);
    sums = vaddq_s32(sums, vldrwq_gather_shifted_offset_z_s32(channels, pairs, lanes));
    sums = vmulhq_s32(sums, vldrwq_gather_shifted_offset_z_s32(channels + 1, pairs, lanes));
    sums = vshlq_r_s32(vaddq_n_s32(sums, rounding), -shift);
    sums = vminq_s32(vmaxq_s32(sums, vdupq_n_s32(low)), vdupq_n_s32(high));
    vstrbq_p_s32(out, sums, lanes);
  }
}

#else

#define TC_STEP(i)              \
  {                             \
    const int32_t value = x[i]; \
    sum0 += value * w0[i];      \
    sum1 += value * w1[i];      \
    sum2 += value * w2[i];      \
    sum3 += value * w3[i];      \
  }

TC_FN void tc_dense_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights, const int32_t* channels,
                       int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t row = (in_c + 3) & ~3;
#if defined(__thumb__) && !defined(__thumb2__)
  const int32_t rest = in_c; /* Where loads have no offsets a loop of four is longer than four of one. */
#else
  const int32_t rest = in_c & 3;
#endif
  (void)scratch;
  while (out_c > 0) {
    const int8_t* w0 = weights;
    const int8_t* w1 = out_c > 1 ? w0 + row : w0;
    const int8_t* w2 = out_c > 2 ? w1 + row : w0;
    const int8_t* w3 = out_c > 3 ? w2 + row : w0;
    int32_t sum0 = channels[0];
    int32_t sum1 = out_c > 1 ? channels[2] : 0;
    int32_t sum2 = out_c > 2 ? channels[4] : 0;
    int32_t sum3 = out_c > 3 ? channels[6] : 0;
    const int8_t* x = in;
    const int8_t* end = in + (in_c - rest);
    while (x != end) {
      TC_STEP(0)
      TC_STEP(1)
      TC_STEP(2)
      TC_STEP(3)
      x += 4;
      w0 += 4;
      w1 += 4;
      w2 += 4;
      w3 += 4;
    }
    for (int32_t i = 0; i < rest; i++) {
      TC_STEP(i)
    }
    out[0] = (int8_t)tc_clamp(tc_requantize(sum0, channels[1], rounding, shift), low, high);
    if (out_c > 1) out[1] = (int8_t)tc_clamp(tc_requantize(sum1, channels[3], rounding, shift), low, high);
    if (out_c > 2) out[2] = (int8_t)tc_clamp(tc_requantize(sum2, channels[5], rounding, shift), low, high);
    if (out_c > 3) out[3] = (int8_t)tc_clamp(tc_requantize(sum3, channels[7], rounding, shift), low, high);
    out += 4;
    channels += 8;
    weights += 4 * row;
    out_c -= 4;
  }
}

#undef TC_STEP

#endif

#endif
