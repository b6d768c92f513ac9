// WAV files (RIFF): one channel of 16-bit PCM, taken to [-1, 1), or of 32-bit floats.
//
// Where the model's last axis has a size L, a file gives one sample for each whole L in it, one behind the other; a
// file shorter than L is one sample, filled up with silence. Where that axis is open, a file is one sample. All files
// must have one sampling rate. Source: Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft,
// 1991).
#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "quant/data/source.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

struct Wav {
  uint32_t rate = 0;
  bool is_float = false;
  int64_t frames = 0;
  int64_t data_offset = 0;  // bytes
};

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorKind::kIo, "not a readable WAV: " + what);
}

template <typename T>
T little_endian(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

void read_exactly(std::ifstream& file, std::span<char> bytes) {
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) damaged("it ends too early");
}

void parse_format(std::ifstream& file, uint32_t length, Wav& wav) {
  std::array<char, 40> bytes{};
  if (length < 16) damaged("its format is too short");
  const size_t used = std::min<size_t>(length, bytes.size());
  read_exactly(file, std::span(bytes).first(used));
  constexpr uint16_t kPcm = 1, kFloat = 3, kExtensible = 0xFFFE;
  auto encoding = little_endian<uint16_t>(bytes.data());
  if (encoding == kExtensible && used >= 26) encoding = little_endian<uint16_t>(bytes.data() + 24);
  const auto channels = little_endian<uint16_t>(bytes.data() + 2);
  const auto bits = little_endian<uint16_t>(bytes.data() + 14);
  wav.rate = little_endian<uint32_t>(bytes.data() + 4);
  wav.is_float = encoding == kFloat && bits == 32;
  if (!wav.is_float && !(encoding == kPcm && bits == 16)) {
    throw Error(ErrorKind::kUsage, "the sound is neither 16-bit PCM nor 32-bit float", "convert it, e.g. with sox");
  }
  if (channels != 1) {
    throw Error(ErrorKind::kUsage, "the sound has " + std::to_string(channels) + " channels, expected 1",
                "mix it down, e.g. with sox in.wav out.wav remix -");
  }
}

Wav parse(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::kIo, "cannot be read");
  std::array<char, 12> head{};
  read_exactly(file, head);
  if (std::memcmp(head.data(), "RIFF", 4) != 0 || std::memcmp(head.data() + 8, "WAVE", 4) != 0) {
    damaged("it does not begin like one");
  }
  Wav wav;
  const auto file_size = static_cast<int64_t>(std::filesystem::file_size(path));
  while (true) {
    std::array<char, 8> chunk{};
    read_exactly(file, chunk);
    const auto length = little_endian<uint32_t>(chunk.data() + 4);
    const int64_t start = file.tellg();
    if (std::memcmp(chunk.data(), "fmt ", 4) == 0) parse_format(file, length, wav);
    if (std::memcmp(chunk.data(), "data", 4) == 0) {
      if (wav.rate == 0) damaged("its data come before their format");
      wav.data_offset = start;
      // Writers of streams leave the length at its largest: then the data go to the end of the file.
      const int64_t bytes = length == 0xFFFFFFFFU ? file_size - start : int64_t{length};
      if (bytes > file_size - start) damaged("it ends too early");
      wav.frames = bytes / (wav.is_float ? 4 : 2);
      return wav;
    }
    file.seekg(start + length + (length & 1U));
  }
}

class WavSource final : public SampleSource {
 public:
  WavSource(std::vector<LabelledFile> files, int64_t window) : files_(std::move(files)), window_(window) {
    arrays_.push_back({"", DataType::kFloat, ArrayInfo::Form::kAudio});
    if (files_[0].label >= 0) arrays_.push_back({std::string(kLabels), DataType::kInt64});
    for (size_t i = 0; i < files_.size(); ++i) {
      const Wav wav = with_context([&] { return name(i); }, [&] { return parse(files_[i].path); });
      if (i == 0) rate_ = wav.rate;
      if (wav.rate != rate_) {
        throw Error(ErrorKind::kUsage, name(i) + " has " + std::to_string(wav.rate) + " samples a second, but " +
                                           name(0) + " has " + std::to_string(rate_));
      }
      const int64_t windows = window_ < 0 ? 1 : std::max<int64_t>(wav.frames / window_, 1);
      for (int64_t k = 0; k < windows; ++k) {
        pieces_.push_back({i, k * std::max<int64_t>(window_, 0), window_ < 0 ? wav.frames : window_});
      }
    }
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  int64_t size() const override { return static_cast<int64_t>(pieces_.size()); }
  bool is_uniform() const override {
    return window_ >= 0 || std::all_of(pieces_.begin(), pieces_.end(),
                                       [&](const Piece& piece) { return piece.frames == pieces_[0].frames; });
  }
  Dims dims(size_t array, int64_t sample) const override {
    return array == 0 ? Dims{pieces_[static_cast<size_t>(sample)].frames} : Dims{};
  }
  std::vector<Tensor> read() override {
    const Piece& piece = pieces_[next_++];
    std::vector<Tensor> sample = {with_context([&] { return name(piece.file); }, [&] { return load(piece); })};
    if (arrays_.size() > 1) sample.push_back(Tensor::scalar<int64_t>(files_[piece.file].label));
    return sample;
  }
  void rewind() override { next_ = 0; }

 private:
  struct Piece {
    size_t file;
    int64_t first;   // frame
    int64_t frames;  // wanted; silence where the file ends before
  };

  std::string name(size_t idx) const { return files_[idx].path.filename().string(); }

  Tensor load(const Piece& piece) const {
    const std::filesystem::path& path = files_[piece.file].path;
    const Wav wav = parse(path);
    const int64_t width = wav.is_float ? 4 : 2;
    const int64_t present = std::clamp<int64_t>(wav.frames - piece.first, 0, piece.frames);
    std::vector<char> bytes(static_cast<size_t>(present * width));
    std::ifstream file(path, std::ios::binary);
    file.seekg(wav.data_offset + piece.first * width);
    read_exactly(file, bytes);
    Tensor tensor = Tensor::zeros(DataType::kFloat, {piece.frames});
    const std::span<float> out = tensor.mutable_data<float>();
    for (size_t i = 0; i < static_cast<size_t>(present); ++i) {
      out[i] = wav.is_float ? little_endian<float>(bytes.data() + 4 * i)
                            : static_cast<float>(little_endian<int16_t>(bytes.data() + 2 * i)) / 32768.0F;
    }
    return tensor;
  }

  std::vector<LabelledFile> files_;
  int64_t window_;  // frames a sample; -1: the whole file
  uint32_t rate_ = 0;
  std::vector<ArrayInfo> arrays_;
  std::vector<Piece> pieces_;
  size_t next_ = 0;
};

}  // namespace

SourcePtr open_wavs(std::vector<LabelledFile> files, const SourceRequest& request) {
  int64_t window = -1;
  if (!request.inputs.empty()) {
    const Shape& shape = request.inputs[0].type.shape;
    if (shape.rank() > 0 && shape[shape.rank() - 1].value > 0) window = shape[shape.rank() - 1].value;
  }
  return std::make_unique<WavSource>(std::move(files), window);
}

}  // namespace tinyc
