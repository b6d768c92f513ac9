// Data for calibration and measurement, streamed: one sample after the other, in memory only while it is used.
//
// Forms of data: a .npz (one array per model input, by name, or one array for a model with one input), a .npy, a folder
// of these, a folder of ONNX test sets (input_0.pb, ...), a folder of images (PNG, JPEG) or WAV files, whose
// sub-folders are classes in sorted order, or a single such file.
//
// Axes: the first axis of an array counts samples. What is left must be the model input without its batch axis
// ([S,3,32,32] for [N,3,32,32] or [1,3,32,32]), or all of it ([S,2,1,128] for [2,N,128]): then a sample is a whole run.
// An array named `labels` holds class indices ([S], integers) or targets. Integers for a float input are taken at their
// value.
//
// Everything that can be known before data are read is checked by open(): names, shapes, element types, counts. All
// complaints are Error(kUsage) that name the array, what was expected and what was found; files that cannot be read or
// are damaged are Error(kIo). NaN and infinite elements are an error that names array and sample.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/base/hash.h"
#include "tinyc/ir/graph.h"
#include "tinyc/quant/preprocess.h"
#include "tinyc/quant/recorded_moments.h"

namespace tinyc {

struct ModelInput {
  std::string name;
  TensorType type;
};
std::vector<ModelInput> model_inputs(const Graph& graph);

struct Batch {
  int64_t first = 0;           // number of its first sample
  int64_t size = 0;            // samples; 0: the data are at their end
  std::vector<Tensor> inputs;  // in the order of the model's inputs
  Tensor labels;               // [size] int64, or float [size, ...]; undefined when the data have none
};

struct DatasetOptions {
  Preprocess preprocess;
  int64_t limit = 0;  // use at most this many samples; 0: all
  // Reads one tensor of an ONNX test set (the importer's load_tensor_pb); without it such folders are refused.
  std::function<Tensor(const std::filesystem::path&)> read_tensor;
};

struct SyntheticOptions {
  uint64_t seed = 0;
  int64_t samples = 32;
  int64_t open_dim = 16;                  // size given to open dims other than the batch
  std::vector<InputMoments> inputs = {};  // what floats are like, by input; standard for inputs that are not listed
};

class Dataset {
 public:
  static Dataset open(const std::filesystem::path& path, std::vector<ModelInput> inputs, DatasetOptions options = {});
  // The bytes of a .npz; they must outlive the data set.
  static Dataset from_npz_bytes(std::span<const std::byte> bytes, std::vector<ModelInput> inputs,
                                DatasetOptions options = {});
  // Generated inputs: floats from the normal distribution (of known moments: with the wider tails of natural signals),
  // integers and bools 0 or 1. Sample i depends on the seed and i alone.
  static Dataset synthetic(std::vector<ModelInput> inputs, const SyntheticOptions& options = {});
  ~Dataset();
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;

  int64_t size() const;  // samples
  bool has_labels() const;
  bool is_synthetic() const;
  // 1 when each run takes one sample: an input has no open batch axis, or samples differ in size.
  int64_t max_batch() const;
  const Preprocess& preprocess() const;

  // The next samples: as many as are left, at most `count` and max_batch().
  Batch next(int64_t count);
  void rewind();
  // Sum of the hashes of the samples that next() gave since the last rewind, as the model saw them.
  Digest digest() const;

 private:
  struct Impl;
  explicit Dataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tinyc
