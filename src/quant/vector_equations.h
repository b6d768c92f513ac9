// The entries of a codebook of vectors that are best for given indices and scales: the equations of
// quant/vector_search.h, solved by conjugate gradients.
//
// With x all free numbers of the entries and S their share in row r's weights, u_r S_r x, the error is
//   sum over r of (u_r S_r x - t_r) H (u_r S_r x - t_r)^T:
// a quadratic form whose product with any x costs a product of rows with H, and which is never formed. Preconditioned
// by its diagonal; started from the entries there are, so that few steps do. Source: Hestenes and Stiefel, 1952.
#pragma once

#include <span>

#include "quant/codebook_rows.h"
#include "quant/vector_rows.h"

namespace tinyc {

// `rows` by place, `scales` by scale. Elements of entries that stay 0, and entries that no vector takes, stay.
RowMajor best_entries(const CodebookRows& places, std::span<const VectorRow> rows, std::span<const double> scales,
                      const Entries& entries, int threads);

}  // namespace tinyc
