// Generated samples, for models without data: floats are drawn from the standard normal distribution, which is what
// inputs normalized by mean and deviation look like, or, where the model tells more, from the Laplace distribution:
// pixels and spectra are mostly near their mean and sometimes far from it. Integers and bools are 0 or 1, indices that
// every table has.
#include <algorithm>
#include <cmath>

#include "quant/data/source.h"
#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

// The dims of one sample: without a leading batch axis, which is an open one or a 1; the batch's symbol elsewhere is 1.
Dims sample_dims(const Shape& shape, const Dim& batch, int64_t open_dim) {
  const bool has_batch = shape.rank() > 0 && (!shape[0].known() || shape[0].value == 1);
  Dims dims;
  for (int axis = has_batch ? 1 : 0; axis < shape.rank(); ++axis) {
    const Dim& dim = shape[axis];
    dims.push_back(dim.known() ? dim.value : dim.same_as(batch) ? 1 : open_dim);
  }
  return dims;
}

Dim batch_symbol(const std::vector<ModelInput>& inputs) {
  for (const ModelInput& input : inputs) {
    const Shape& shape = input.type.shape;
    if (shape.rank() > 0 && !shape[0].known()) return shape[0];
  }
  return {};
}

class SyntheticSource final : public SampleSource {
 public:
  SyntheticSource(const std::vector<ModelInput>& inputs, const SyntheticOptions& options) : options_(options) {
    const Dim batch = batch_symbol(inputs);
    for (const ModelInput& input : inputs) {
      if (!input.type.shape.ranked()) {
        throw Error(ErrorKind::kUsage, "input '" + input.name + "' has no known rank: no data can be made for it",
                    "give data, or re-export the model with the shapes of its inputs");
      }
      // Data come as float32, whatever floats the model wants.
      const bool is_float = is_floating(input.type.dtype);
      arrays_.push_back({input.name, is_float ? DataType::kFloat : input.type.dtype});
      dims_.push_back(sample_dims(input.type.shape, batch, options.open_dim));
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  int64_t size() const override { return options_.samples; }
  bool is_uniform() const override { return true; }
  Dims dims(size_t array, int64_t) const override { return dims_[array]; }
  std::vector<Tensor> read() override {
    Rng rng(options_.seed, static_cast<uint64_t>(next_++));
    std::vector<Tensor> sample;
    for (size_t i = 0; i < arrays_.size(); ++i) {
      Tensor tensor = Tensor::zeros(arrays_[i].dtype, dims_[i]);
      if (tensor.dtype() == DataType::kFloat) {
        fill(tensor.mutable_data<float>(), i, rng);
      } else {
        const auto width = static_cast<size_t>(std::max(bits_of(tensor.dtype()) / 8, 1));
        std::byte* const bytes = tensor.mutable_bytes();  // little endian: the first byte is the 1
        for (size_t k = 0; k < tensor.byte_size(); k += width) bytes[k] = static_cast<std::byte>(rng.below(2));
      }
      sample.push_back(std::move(tensor));
    }
    return sample;
  }
  void rewind() override { next_ = 0; }

 private:
  void fill(std::span<float> values, size_t input, Rng& rng) const {
    if (input >= options_.inputs.size()) {
      for (float& x : values) x = static_cast<float>(rng.normal());
      return;
    }
    const InputMoments& moments = options_.inputs[input];
    const double middle = moments.mean + moments.common * rng.normal();
    // A normal number times the root of an exponential one: the Laplace distribution, of deviation 1.
    for (float& x : values) {
      x = static_cast<float>(middle + moments.own * rng.normal() * std::sqrt(-std::log(1.0 - rng.uniform())));
    }
  }

  SyntheticOptions options_;
  std::vector<ArrayInfo> arrays_;
  std::vector<Dims> dims_;
  int64_t next_ = 0;
};

}  // namespace

SourcePtr make_synthetic(const std::vector<ModelInput>& inputs, const SyntheticOptions& options) {
  return std::make_unique<SyntheticSource>(inputs, options);
}

}  // namespace tinyc
