// Which instruction sets the kernels are compiled for. Include before any Highway header.
//
// Three are enough on x86: AVX-512, AVX2 with FMA, and the baseline. Targets whose vectors have no fixed size are left
// out, because the kernels keep arrays of vectors in registers.
#pragma once

#include "hwy/detect_targets.h"

#ifdef HWY_AVX3_ZEN4
#define TINYC_NEWER_AVX512 (HWY_AVX3_DL | HWY_AVX3_ZEN4)
#else
#define TINYC_NEWER_AVX512 HWY_AVX3_DL
#endif

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | TINYC_NEWER_AVX512 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
