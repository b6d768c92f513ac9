#include "tinyc/quant/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "quant/data/binding.h"
#include "quant/data/source.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

// Samples of equal dims, one behind the other, under a leading axis that counts them.
Tensor stack(std::span<const Tensor> samples, const Dims& sample_dims, DataType dtype) {
  Dims dims = sample_dims;
  dims.insert(dims.begin(), static_cast<int64_t>(samples.size()));
  Tensor stacked = Tensor::zeros(dtype, std::move(dims));
  std::byte* out = stacked.mutable_bytes();
  for (const Tensor& sample : samples) {
    if (sample.byte_size() > 0) std::memcpy(out, sample.bytes(), sample.byte_size());
    out += sample.byte_size();
  }
  return stacked;
}

Tensor label_of(const Tensor& raw) {
  if (is_integer(raw.dtype()) || raw.dtype() == DataType::kBool) return Tensor::of<int64_t>(raw.dims(), raw.to_int64());
  return Tensor::of<float>(raw.dims(), raw.to_float());
}

}  // namespace

int SourceRequest::sample_rank() const {
  if (inputs.size() != 1 || !inputs[0].type.shape.ranked()) return -1;
  const Shape& shape = inputs[0].type.shape;
  const bool has_batch = shape.rank() > 0 && (!shape[0].known() || shape[0].value == 1);
  return has_batch ? shape.rank() - 1 : -1;
}

std::vector<ModelInput> model_inputs(const Graph& graph) {
  std::vector<ModelInput> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back({graph[id].name, graph[id].type});
  return inputs;
}

struct Dataset::Impl {
  std::string path;
  std::vector<ModelInput> inputs;
  DatasetOptions options;
  SourcePtr source;
  Binding binding;
  int64_t size = 0;
  bool synthetic = false;

  int64_t position = 0;
  Digest digest;
  Hasher hasher;

  // Fits the source to the model; called once, after `source` is set.
  void finish() {
    binding = bind_inputs(*source, inputs, options.preprocess);
    size = options.limit > 0 ? std::min(options.limit, source->size()) : source->size();
    if (source->is_uniform()) return;
    for (int64_t i = 0; i < size; ++i) {
      for (const InputBinding& input : binding.inputs) dims_of(input, i);
    }
  }

  Dims dims_of(const InputBinding& input, int64_t sample) const {
    return with_context([&] { return "sample " + std::to_string(sample); },
                        [&] {
                          return fitted_dims(input, source->arrays()[input.array], source->dims(input.array, sample),
                                             options.preprocess);
                        });
  }

  // One sample, as a tensor for each input and one for the label (undefined if there is none).
  std::vector<Tensor> read_sample() {
    const int64_t idx = position++;
    return with_context(
        [&] { return place() + "sample " + std::to_string(idx); },
        [&] {
          const std::vector<Tensor> raw = source->read();
          std::vector<Tensor> sample;
          hasher.reset();
          for (const InputBinding& input : binding.inputs) {
            const ArrayInfo& array = source->arrays()[input.array];
            sample.push_back(with_context([&] { return "array '" + array.name + "'"; },
                                          [&] {
                                            const Dims dims =
                                                fitted_dims(input, array, raw[input.array].dims(), options.preprocess);
                                            return convert_sample(input, raw[input.array], dims, options.preprocess);
                                          }));
            hasher.update({sample.back().bytes(), sample.back().byte_size()});
          }
          digest += hasher.digest();
          sample.push_back(binding.labels < 0 ? Tensor() : label_of(raw[static_cast<size_t>(binding.labels)]));
          return sample;
        });
  }

  std::string place() const { return path.empty() ? "" : path + ": "; }
};

Dataset::Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;

Dataset Dataset::open(const std::filesystem::path& path, std::vector<ModelInput> inputs, DatasetOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->path = path.string();
  impl->inputs = std::move(inputs);
  impl->options = std::move(options);
  with_context([&] { return path.string(); },
               [&] {
                 impl->source = open_source(path, {impl->inputs, impl->options});
                 impl->finish();
               });
  return Dataset(std::move(impl));
}

Dataset Dataset::from_npz_bytes(std::span<const std::byte> bytes, std::vector<ModelInput> inputs,
                                DatasetOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->inputs = std::move(inputs);
  impl->options = std::move(options);
  impl->source = open_npz_bytes(bytes, {impl->inputs, impl->options});
  impl->finish();
  return Dataset(std::move(impl));
}

Dataset Dataset::synthetic(std::vector<ModelInput> inputs, const SyntheticOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->inputs = std::move(inputs);
  impl->synthetic = true;
  impl->source = make_synthetic(impl->inputs, options);
  impl->finish();
  return Dataset(std::move(impl));
}

int64_t Dataset::size() const {
  return impl_->size;
}

bool Dataset::has_labels() const {
  return impl_->binding.labels >= 0;
}

bool Dataset::is_synthetic() const {
  return impl_->synthetic;
}

int64_t Dataset::max_batch() const {
  const auto& inputs = impl_->binding.inputs;
  const bool batchable = impl_->source->is_uniform() &&
                         std::all_of(inputs.begin(), inputs.end(), [](const InputBinding& i) { return i.can_batch; });
  return batchable ? std::numeric_limits<int64_t>::max() : 1;
}

const Preprocess& Dataset::preprocess() const {
  return impl_->options.preprocess;
}

Batch Dataset::next(int64_t count) {
  Batch batch;
  batch.first = impl_->position;
  batch.size = std::min({count, max_batch(), impl_->size - impl_->position});
  if (batch.size == 0) return batch;
  const size_t columns = impl_->inputs.size() + 1;
  std::vector<std::vector<Tensor>> by_column(columns);
  for (int64_t i = 0; i < batch.size; ++i) {
    std::vector<Tensor> sample = impl_->read_sample();
    for (size_t c = 0; c < columns; ++c) by_column[c].push_back(std::move(sample[c]));
  }
  for (size_t c = 0; c + 1 < columns; ++c) {
    const Tensor& first = by_column[c][0];
    const bool has_batch = impl_->binding.inputs[c].has_batch;
    batch.inputs.push_back(has_batch ? stack(by_column[c], first.dims(), first.dtype()) : first);
  }
  const Tensor& label = by_column.back()[0];
  if (label.defined()) batch.labels = stack(by_column.back(), label.dims(), label.dtype());
  return batch;
}

void Dataset::rewind() {
  impl_->source->rewind();
  impl_->position = 0;
  impl_->digest = {};
}

Digest Dataset::digest() const {
  return impl_->digest;
}

}  // namespace tinyc
