// Where 8-bit weights go wrong on x86 processors without VNNI.
//
// Problem: there, integer products are summed by VPMADDUBSW: unsigned bytes times signed bytes, two neighbouring
// products added and cut to 16 bits before anything else. 255 * 127 * 2 = 64770 does not fit; with weights of 7 bits
// 255 * 63 * 2 = 32130 always does. Whether a layer is hit depends on its weights and on what it reads. Method: the
// layer's sums are formed on samples as that instruction forms them, neighbours being input channels of one tap (of a
// matrix: neighbouring inputs), and the results with at least one pair cut are counted. Depthwise layers have no such
// neighbours. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, VPMADDUBSW.
#pragma once

#include <cstdint>
#include <span>

#include "tinyc/ir/quant_info.h"
#include "tinyc/ops/linear.h"

namespace tinyc {

struct SaturationCount {
  int64_t results = 0;  // that were looked at
  int64_t cut = 0;      // with at least one pair of products beyond 16 bits
  double share() const { return results == 0 ? 0.0 : static_cast<double>(cut) / static_cast<double>(results); }
};

struct SaturationQuery {
  std::span<const LinearForm> forms;  // by sample
  std::span<const int32_t> codes;     // the weight tensor as integers, zero points taken off
  const QParams& input;               // of the data, one scale
  int64_t taps = 1;                   // columns are (input channel, tap)
  int64_t most_positions = 0;         // looked at, over all samples; evenly spread
};

SaturationCount count_saturation(const SaturationQuery& query);

}  // namespace tinyc
