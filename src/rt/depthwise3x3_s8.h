#ifndef TC_DEPTHWISE3X3_S8_H
#define TC_DEPTHWISE3X3_S8_H

#include "base.h"
#include "depthwise_s8.h"

TC_FN void tc_depthwise3x3_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                              const int32_t* channels, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                              int32_t out_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                              int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  tc_depthwise_s8(in, out, scratch, weights, channels, in_h, in_w, count, out_h, out_w, 3, 3, stride_h, stride_w,
                  pad_top, pad_left, in_zero, rounding, shift, low, high);
}

#endif
