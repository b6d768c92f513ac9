/* What the depthwise kernels share: one channel as a plane of its own, padded.
 *
 * In [height][width][channels] neighbours of one channel are `count` bytes apart, and the borders need tests. So each
 * channel is copied to a small plane in scratch whose border holds the zero point: written once, as it is the same for
 * all channels. From there on every tap is a plain offset, and the output may overwrite the input: the bytes of a
 * channel are read before its first output byte is written, and different channels share no byte. The element of the
 * plane is what the multiplier wants: int16 for the DSP path, so that two taps are one word; else the byte plus 128,
 * because Armv6-M loads unsigned bytes only with an immediate offset. The bias takes the 128 back.
 */
#ifndef TC_DEPTHWISE_PLANE_H
#define TC_DEPTHWISE_PLANE_H

#include "base.h"
#include "clamp_s8.h"

#ifdef TC_DSP
typedef int16_t tc_plane;
#define TC_PLANE_OFFSET 0
#elif defined(TC_MVE)
typedef int8_t tc_plane;
#define TC_PLANE_OFFSET 0
#else
typedef uint8_t tc_plane;
#define TC_PLANE_OFFSET 128
#endif

TC_INLINE void tc_plane_fill(tc_plane* plane, int32_t size, int32_t in_zero) {
  for (int32_t i = 0; i < size; ++i) plane[i] = (tc_plane)(in_zero + TC_PLANE_OFFSET);
}

/* rows x columns elements, row_step and step bytes apart, to the plane's rows of `width` elements. */
TC_FN void tc_plane_load(const int8_t* in, tc_plane* plane, int32_t rows, int32_t columns, int32_t row_step,
                         int32_t step, int32_t width) {
  for (; rows > 0; --rows) {
    const int8_t* from = in;
    volatile tc_plane* to = plane; /* volatile: or gcc builds words, which costs more than it saves */
    int32_t x = columns;
    for (; x >= 4; x -= 4) {
      to[0] = (tc_plane)(from[0] + TC_PLANE_OFFSET);
      to[1] = (tc_plane)(from[step] + TC_PLANE_OFFSET);
      to[2] = (tc_plane)(from[2 * step] + TC_PLANE_OFFSET);
      to[3] = (tc_plane)(from[3 * step] + TC_PLANE_OFFSET);
      from += 4 * step;
      to += 4;
    }
    for (; x > 0; --x) {
      *to++ = (tc_plane)(*from + TC_PLANE_OFFSET);
      from += step;
    }
    in += row_step;
    plane += width;
  }
}

#endif
