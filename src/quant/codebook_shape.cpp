#include "tinyc/quant/codebook_shape.h"

#include <algorithm>
#include <cmath>

#include "tinyc/quant/prune_spec.h"

namespace tinyc {
namespace {

bool pays(int bits, int64_t length, int64_t weights) {
  return (int64_t{1} << bits) * length <= weights / length * bits / 8;
}

}  // namespace

std::optional<CodebookShape> codebook_shape(int bits, int64_t vector, const LinearForm& form, int64_t taps,
                                            int64_t rows) {
  CodebookShape shape{bits, vector, {}};
  const int64_t weights = rows * form.columns;
  if (vector == 0) {
    if (taps <= 1 || taps > kLongestVector || form.columns % taps != 0) return {};
    shape.length = taps;
    while (shape.bits > 0 && !pays(shape.bits, taps, weights)) --shape.bits;
    if (shape.bits == 0) return {};
  } else {
    const auto fits = [&] { return form.columns % shape.length == 0 && pays(shape.bits, shape.length, weights); };
    while (shape.length > 1 && !fits()) {
      --shape.length;
      const double share = static_cast<double>(shape.length) / static_cast<double>(vector);
      shape.bits = std::max(1, static_cast<int>(std::lround(bits * share)));
    }
  }
  if (shape.length == 1) return shape;
  const PruneSpec units{.unit = vector == 0 ? PruneUnit::kKernel : PruneUnit::kVector, .vector = shape.length};
  shape.order = prune_units(units, form, taps).columns;
  return shape;
}

}  // namespace tinyc
