// How the arrays of a source become the inputs of a model: which array feeds which input, how a sample is shaped, and
// the conversion of its elements. All that can be checked is checked when the binding is made.
#pragma once

#include <vector>

#include "quant/data/image_ops.h"
#include "quant/data/source.h"

namespace tinyc {

struct InputBinding {
  ModelInput input;
  size_t array = 0;
  ChannelOrder order = ChannelOrder::kKeep;
  bool prepared = false;  // Preprocess applies
  bool has_batch =
      false;  // samples are rows of the input's open or single first axis; else a sample is the whole input
  bool can_batch = false;  // ... and that axis is open
};

struct Binding {
  std::vector<InputBinding> inputs;
  int labels = -1;  // array, or -1
};

// Throws Error(kUsage) for names, dims and element types that do not fit.
Binding bind_inputs(const SampleSource& source, const std::vector<ModelInput>& inputs, const Preprocess& preprocess);

// Dims of one sample as the model takes it, without a batch axis if has_batch. Throws Error(kUsage) if it does not fit.
Dims fitted_dims(const InputBinding& binding, const ArrayInfo& array, const Dims& dims, const Preprocess& preprocess);

// One sample's elements in the model's type and order. Throws Error(kUsage) for NaN, infinite and out-of-range
// elements.
Tensor convert_sample(const InputBinding& binding, const Tensor& raw, const Dims& fitted, const Preprocess& preprocess);

}  // namespace tinyc
