// Codebooks of vectors: product quantization of a layer's weights, as its output sees them.
//
// Problem: that of codebook_search.h, where an index of `bits` bits stands for `length` weights together, so that a
// weight takes bits / length bits, and the codebook 2^bits times length bytes. Method: as there,
// - vectors at first: k-means, each number weighted by u^2 H_jj (quant/vector_clusters.h);
// - assignment: the sweep takes a vector at a time. With H = R R^T, R upper triangular, the error of a row e is the sum
//   of (e R)_k^2; what earlier vectors left there, s, makes the best entry c for vector B the one that is nearest in
//   the metric of R_BB:  |(u c - t_B) R_BB + s|^2. So errors of earlier columns are made up for by later ones. Then
//   descent: with all others held, the best entry for B is nearest to its optimum in the metric of H_BB
//   (quant/vector_rows.h);
// - with indices held, the best scales in closed form, and the best entries by least squares: the equations of
//   codebook_search.h with length times as many unknowns, solved by conjugate gradients from the entries there are
//   (quant/vector_equations.h), then rounded to integers. That is kept, and done again, while the error falls.
// Zeros: an entry has places that are 0 and stay so, those where the vector that it was drawn from is held; a vector
// takes none but entries that are 0 where it is held. The entry of nothing but zeros is there wherever one is needed.
// Cost a round: rows times columns times (2^bits + columns).
//
// Sources: Jegou, Douze and Schmid, Product quantization for nearest neighbor search, 2011; Stock et al., And the bit
// goes down, 2020 (arXiv:1907.05686), for entries fitted to outputs; van Baalen et al., GPTVQ, 2024 (arXiv:2402.15319),
// for the sweep.
#pragma once

#include "tinyc/quant/codebook_search.h"

namespace tinyc {

// For lengths above 1.
CodebookPoint search_vectors(const CodebookSearch& search, int threads);

}  // namespace tinyc
