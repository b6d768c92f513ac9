// Several array files as one source. Each is opened once to learn its sample count and to see that it holds what the
// others hold; afterwards only the one that is being read is open.
#include <algorithm>

#include "quant/data/source.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;

SourcePtr open_one(const fs::path& path, const SourceRequest& request) {
  return with_context([&] { return path.filename().string(); },
                      [&] { return path.extension() == ".npy" ? open_npy(path, request) : open_npz(path, request); });
}

class SequenceSource final : public SampleSource {
 public:
  SequenceSource(std::vector<fs::path> files, const SourceRequest& request)
      : files_(std::move(files)), inputs_(request.inputs), options_(request.options) {
    for (size_t i = 0; i < files_.size(); ++i) {
      SourcePtr source = open_one(files_[i], {inputs_, options_});
      if (i == 0) {
        arrays_ = source->arrays();
        for (size_t a = 0; a < arrays_.size(); ++a) dims_.push_back(source->dims(a, 0));
      }
      check_like_first(files_[i], *source);
      size_ += source->size();
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  int64_t size() const override { return size_; }
  bool is_uniform() const override { return true; }
  Dims dims(size_t array, int64_t) const override { return dims_[array]; }

  std::vector<Tensor> read() override {
    while (current_ == nullptr || left_ == 0) {
      current_ = open_one(files_[next_file_++], {inputs_, options_});
      left_ = current_->size();
    }
    --left_;
    return with_context([&] { return files_[next_file_ - 1].filename().string(); }, [&] { return current_->read(); });
  }

  void rewind() override {
    current_.reset();
    next_file_ = 0;
    left_ = 0;
  }

 private:
  void check_like_first(const fs::path& file, const SampleSource& source) const {
    bool same = source.arrays().size() == arrays_.size();
    for (size_t a = 0; same && a < arrays_.size(); ++a) {
      same = source.arrays()[a].name == arrays_[a].name && source.arrays()[a].dtype == arrays_[a].dtype &&
             source.dims(a, 0) == dims_[a];
    }
    if (same) return;
    throw Error(ErrorKind::kUsage, file.filename().string() + " holds other arrays, types or shapes than " +
                                       files_[0].filename().string());
  }

  std::vector<fs::path> files_;
  std::vector<ModelInput> inputs_;
  DatasetOptions options_;
  std::vector<ArrayInfo> arrays_;
  std::vector<Dims> dims_;
  int64_t size_ = 0;
  SourcePtr current_;
  size_t next_file_ = 0;
  int64_t left_ = 0;
};

// Folders with input_0.pb, input_1.pb, ... in the order of the model's inputs; one run each.
class TestSetSource final : public SampleSource {
 public:
  TestSetSource(std::vector<fs::path> folders, const SourceRequest& request)
      : folders_(std::move(folders)), read_tensor_(request.options.read_tensor) {
    for (const ModelInput& input : request.inputs) arrays_.push_back({input.name});
    for (size_t i = 0; i < folders_.size(); ++i) {
      const std::vector<Tensor> sample = load(i);
      if (i == 0) {
        for (size_t a = 0; a < sample.size(); ++a) arrays_[a].dtype = sample[a].dtype();
      }
      std::vector<Dims> dims;
      for (const Tensor& tensor : sample) dims.push_back(tensor.dims());
      uniform_ = uniform_ && (i == 0 || dims == dims_[0]);
      dims_.push_back(std::move(dims));
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  int64_t size() const override { return static_cast<int64_t>(folders_.size()); }
  bool is_uniform() const override { return uniform_; }
  Dims dims(size_t array, int64_t sample) const override { return dims_[static_cast<size_t>(sample)][array]; }
  std::vector<Tensor> read() override { return load(next_++); }
  void rewind() override { next_ = 0; }

 private:
  std::vector<Tensor> load(size_t idx) const {
    std::vector<Tensor> sample;
    for (size_t a = 0; a < arrays_.size(); ++a) {
      const fs::path file = folders_[idx] / ("input_" + std::to_string(a) + ".pb");
      sample.push_back(read_tensor_(file));
    }
    return sample;
  }

  std::vector<fs::path> folders_;
  std::function<Tensor(const fs::path&)> read_tensor_;
  std::vector<ArrayInfo> arrays_;
  std::vector<std::vector<Dims>> dims_;
  bool uniform_ = true;
  size_t next_ = 0;
};

}  // namespace

SourcePtr concatenate(std::vector<fs::path> files, const SourceRequest& request) {
  return std::make_unique<SequenceSource>(std::move(files), request);
}

SourcePtr open_test_sets(std::vector<fs::path> folders, const SourceRequest& request) {
  if (!request.options.read_tensor) throw Error(ErrorKind::kUsage, "ONNX test sets cannot be read here");
  return std::make_unique<TestSetSource>(std::move(folders), request);
}

}  // namespace tinyc
