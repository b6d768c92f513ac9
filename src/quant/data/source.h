// Where raw samples come from. A source gives samples in order, one at a time, as they are stored: element type
// and dims of the file, no preprocessing. quant/dataset.cpp fits them to the model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tinyc/quant/dataset.h"

namespace tinyc {

inline constexpr std::string_view kLabels = "labels";

struct ArrayInfo {
  enum class Form : uint8_t {
    kArray,
    kImage,  // height, width, channels
    kAudio,  // one axis: time
  };
  std::string name;  // empty: fits a single input of any name
  DataType dtype = DataType::kUndefined;
  Form form = Form::kArray;
};

class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual const std::vector<ArrayInfo>& arrays() const = 0;
  virtual int64_t size() const = 0;
  // Dims of a sample of arrays()[array]. Known without reading the data.
  virtual Dims dims(size_t array, int64_t sample) const = 0;
  // All samples have the same dims.
  virtual bool is_uniform() const = 0;
  // The next sample: a tensor per array. Called at most size() times between rewinds.
  virtual std::vector<Tensor> read() = 0;
  virtual void rewind() = 0;
};

using SourcePtr = std::unique_ptr<SampleSource>;

// What the makers of sources need to know of the model.
struct SourceRequest {
  const std::vector<ModelInput>& inputs;
  const DatasetOptions& options;
  // Rank of a sample of a model with one input that has a batch axis: a .npy of that rank is one sample. Else -1.
  int sample_rank() const;
};

// Any form of data, told by the name of the file or by what the folder holds.
SourcePtr open_source(const std::filesystem::path& path, const SourceRequest& request);

SourcePtr open_npy(const std::filesystem::path& path, const SourceRequest& request);
SourcePtr open_npz(const std::filesystem::path& path, const SourceRequest& request);
SourcePtr open_npz_bytes(std::span<const std::byte> bytes, const SourceRequest& request);
// One .npy per model input: NAME.npy.
SourcePtr open_named_npys(const std::filesystem::path& folder, const SourceRequest& request);
// The files' samples one after the other; all files hold the same arrays.
SourcePtr concatenate(std::vector<std::filesystem::path> files, const SourceRequest& request);
SourcePtr open_test_sets(std::vector<std::filesystem::path> folders, const SourceRequest& request);

// A file and its class; -1: no class.
struct LabelledFile {
  std::filesystem::path path;
  int64_t label = -1;
};
SourcePtr open_images(std::vector<LabelledFile> files, const SourceRequest& request);
SourcePtr open_wavs(std::vector<LabelledFile> files, const SourceRequest& request);
SourcePtr make_synthetic(const std::vector<ModelInput>& inputs, const SyntheticOptions& options);

}  // namespace tinyc
