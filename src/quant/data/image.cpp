// PNG and JPEG files, one sample each: uint8 [height, width, channels]. Sizes are read from all files when the source
// is opened; pixels only when their turn comes. Colour becomes grey, or grey colour, when the model has one or three
// channels.
#include <algorithm>
#include <cstring>

#include "quant/data/source.h"
#include "tinyc/base/error.h"
#include "tinyc/base/file.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS (1 << 14)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

namespace tinyc {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20U;
constexpr int64_t kMaxPixels = int64_t{1} << 26U;

// 1 or 3, where the model's shape has such an axis, first where channels usually are; else 0: as the file has them.
int wanted_channels(const SourceRequest& request) {
  const auto find = [&]() -> const ModelInput* {
    for (const ModelInput& input : request.inputs) {
      if (input.name == request.options.preprocess.input) return &input;
    }
    return request.inputs.empty() ? nullptr : &request.inputs[0];
  };
  const ModelInput* input = find();
  if (input == nullptr || !input->type.shape.ranked()) return 0;
  const Shape& shape = input->type.shape;
  const auto size_at = [&](int axis) { return axis < 0 ? -1 : shape[axis].value; };
  for (const int64_t size : {size_at(shape.rank() - 3), size_at(shape.rank() - 1)}) {
    if (size == 1 || size == 3) return static_cast<int>(size);
  }
  return 0;
}

const stbi_uc* as_pixels(const std::string& bytes) {
  return reinterpret_cast<const stbi_uc*>(bytes.data());
}

[[noreturn]] void damaged() {
  throw Error(ErrorKind::kIo, std::string("not a readable PNG or JPEG: ") + stbi_failure_reason());
}

Dims image_dims(const std::string& bytes, int channels) {
  int width = 0;
  int height = 0;
  int found = 0;
  if (stbi_info_from_memory(as_pixels(bytes), static_cast<int>(bytes.size()), &width, &height, &found) == 0) damaged();
  if (int64_t{width} * height > kMaxPixels) throw Error(ErrorKind::kIo, "the image has too many pixels");
  return {height, width, channels != 0 ? channels : found};
}

class ImageSource final : public SampleSource {
 public:
  ImageSource(std::vector<LabelledFile> files, int channels) : files_(std::move(files)), channels_(channels) {
    arrays_.push_back({"", DataType::kUint8, ArrayInfo::Form::kImage});
    if (files_[0].label >= 0) arrays_.push_back({std::string(kLabels), DataType::kInt64});
    for (size_t i = 0; i < files_.size(); ++i) {
      const Dims dims = with_context([&] { return name(i); }, [&] { return image_dims(load(i), channels_); });
      if (i == 0) first_dims_ = dims;
      if (dims != first_dims_ && odd_dims_.empty()) odd_dims_.assign(i, first_dims_);
      if (!odd_dims_.empty() || dims != first_dims_) odd_dims_.push_back(dims);
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  bool is_uniform() const override { return odd_dims_.empty(); }
  Dims dims(size_t array, int64_t sample) const override {
    if (array != 0) return {};
    return odd_dims_.empty() ? first_dims_ : odd_dims_[static_cast<size_t>(sample)];
  }
  std::vector<Tensor> read() override {
    const size_t idx = next_++;
    std::vector<Tensor> sample = {with_context([&] { return name(idx); }, [&] { return decode(load(idx)); })};
    if (arrays_.size() > 1) sample.push_back(Tensor::scalar<int64_t>(files_[idx].label));
    return sample;
  }
  void rewind() override { next_ = 0; }

 private:
  std::string name(size_t idx) const { return files_[idx].path.filename().string(); }
  std::string load(size_t idx) const { return read_file(files_[idx].path, kMaxFileBytes); }

  Tensor decode(const std::string& bytes) const {
    const Dims dims = image_dims(bytes, channels_);
    int width = 0;
    int height = 0;
    int found = 0;
    const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
        stbi_load_from_memory(as_pixels(bytes), static_cast<int>(bytes.size()), &width, &height, &found, channels_),
        stbi_image_free);
    if (pixels == nullptr) damaged();
    Tensor tensor = Tensor::zeros(DataType::kUint8, dims);
    std::memcpy(tensor.mutable_bytes(), pixels.get(), tensor.byte_size());
    return tensor;
  }

  std::vector<LabelledFile> files_;
  int channels_;
  std::vector<ArrayInfo> arrays_;
  Dims first_dims_;
  std::vector<Dims> odd_dims_;  // by sample, when not all are alike
  size_t next_ = 0;
};

}  // namespace

SourcePtr open_images(std::vector<LabelledFile> files, const SourceRequest& request) {
  return std::make_unique<ImageSource>(std::move(files), wanted_channels(request));
}

}  // namespace tinyc
