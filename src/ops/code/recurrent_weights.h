// The weight matrices of a recurrent layer in integers, and how they are stored in the program.
#pragma once

#include <optional>

#include "ops/code/recurrent.h"
#include "ops/code/weight_rows.h"

namespace tinyc {

// A weight matrix, and by row the sums that proofs need.
struct RecurrentMatrix {
  WeightRows rows;
  std::vector<double> sums, magnitudes;
};

// Nothing where the operand is stored as floats.
std::optional<RecurrentMatrix> read_recurrent_matrix(CodeContext& context, int operand, int64_t direction);

// Both matrices of a direction as constants, in one form.
struct StoredMatrices {
  CallArg w, r;
  const CoderDef* coder = nullptr;   // null: int8, rows padded to multiples of 4 with zeros
  int64_t w_bytes = 0, r_bytes = 0;  // of the streams
  int64_t products = 0;              // of a step

  const KernelDef* kernel(bool is_lstm) const;  // that computes with the streams; null: there are none
};

// In the fewest bytes, of int8 and of those coders that the program may use and that have kernels for these layers.
StoredMatrices store_matrices(CodeContext& context, const RecurrentMatrix& w, const RecurrentMatrix& r);

}  // namespace tinyc
