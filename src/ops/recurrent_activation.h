// The activation functions that RNN, GRU and LSTM can be given by name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tinyc/ops/op.h"

namespace tinyc {

struct RecurrentActivation {
  enum class Kind : uint8_t {
    kRelu,
    kTanh,
    kSigmoid,
    kAffine,
    kLeakyRelu,
    kThresholdedRelu,
    kScaledTanh,
    kHardSigmoid,
    kElu,
    kSoftsign,
    kSoftplus,
  };
  Kind kind = Kind::kTanh;
  float alpha = 0.0F;
  float beta = 0.0F;

  void apply(std::span<float> values) const;
};

// The activations of a node, direction by direction: attribute `activations`, or `defaults` for each direction; alphas
// and betas are dealt out in order to those functions that take one. Throws Error(kModel) when the names do not fit.
std::vector<RecurrentActivation> recurrent_activations(const Node& node, int64_t directions,
                                                       std::span<const std::string_view> defaults);

}  // namespace tinyc
