// Scales of weights with few levels: ternary, binary, 2 bits.
#pragma once

#include "tinyc/ir/quant_info.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

// Whether a grid has so few levels that its scales are worth fitting to the weights: at most four.
bool has_few_levels(const QParams& params);

// Gives every scale of float `weights` the value with the least sum of squared rounding errors that is found from the
// scales that `params` has. A slice of nothing but zeros keeps its scale; power_of_two_scales is honoured.
void fit_scales(const Tensor& weights, const QuantizationSettings& settings, QParams& params);

}  // namespace tinyc
