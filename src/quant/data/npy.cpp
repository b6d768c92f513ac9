#include "quant/data/npy.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorKind::kIo, "not a readable .npy: " + what);
}

class ArraySource final : public SampleSource {
 public:
  ArraySource(std::vector<ArrayStream> streams, int64_t size) : streams_(std::move(streams)), size_(size) {
    for (const ArrayStream& stream : streams_) arrays_.push_back({stream.name, stream.header.dtype});
  }

  const std::vector<ArrayInfo>& arrays() const override { return arrays_; }
  int64_t size() const override { return size_; }
  bool is_uniform() const override { return true; }
  Dims dims(size_t array, int64_t) const override {
    const Dims& dims = streams_[array].header.dims;
    return {dims.begin() + 1, dims.end()};
  }
  std::vector<Tensor> read() override {
    std::vector<Tensor> sample;
    ++done_;
    for (size_t i = 0; i < streams_.size(); ++i) {
      with_context([&] { return "array '" + streams_[i].name + "'"; },
                   [&] {
                     Tensor tensor = Tensor::zeros(arrays_[i].dtype, dims(i, 0));
                     streams_[i].read({tensor.mutable_bytes(), tensor.byte_size()});
                     if (done_ == size_) streams_[i].finish();
                     sample.push_back(std::move(tensor));
                   });
    }
    return sample;
  }
  void rewind() override {
    if (done_ == 0) return;
    for (ArrayStream& stream : streams_) stream.rewind();
    done_ = 0;
  }

 private:
  std::vector<ArrayStream> streams_;
  std::vector<ArrayInfo> arrays_;
  int64_t size_;
  int64_t done_ = 0;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

ArrayStream open_stream(const std::filesystem::path& path, std::string name) {
  const std::shared_ptr<std::FILE> file(std::fopen(path.c_str(), "rb"), [](std::FILE* f) {
    if (f != nullptr) CloseFile()(f);
  });
  if (file == nullptr) throw Error(ErrorKind::kIo, std::string("cannot read: ") + std::strerror(errno));
  ArrayStream stream;
  stream.name = std::move(name);
  stream.read = [file](std::span<std::byte> bytes) {
    if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) damaged("it ends too early");
  };
  stream.header = read_npy_header(stream.read);
  const uint64_t expected = stream.header.header_bytes + stream.header.data_bytes;
  const uint64_t found = std::filesystem::file_size(path);
  if (found != expected) {
    damaged("it has " + std::to_string(found) + " bytes, but its header says " + std::to_string(expected));
  }
  stream.rewind = [file, start = static_cast<int64_t>(stream.header.header_bytes)] {
    if (std::fseek(file.get(), start, SEEK_SET) != 0) damaged("it cannot be read twice");
  };
  stream.finish = [] {};
  return stream;
}

}  // namespace

SourcePtr make_array_source(std::vector<ArrayStream> streams, const SourceRequest& request) {
  const ArrayStream* first = nullptr;
  for (ArrayStream& stream : streams) {
    Dims& dims = stream.header.dims;
    const bool is_label = stream.name == kLabels;
    if (!is_label && static_cast<int>(dims.size()) == request.sample_rank()) dims.insert(dims.begin(), 1);
    if (dims.empty()) {
      throw Error(ErrorKind::kUsage, "array '" + stream.name + "' is a scalar, but its first axis must count samples",
                  "save it as [samples, ...]");
    }
    if (first == nullptr) first = &stream;
    if (dims[0] != first->header.dims[0]) {
      throw Error(ErrorKind::kUsage, "array '" + first->name + "' has " + std::to_string(first->header.dims[0]) +
                                         " samples, but '" + stream.name + "' has " + std::to_string(dims[0]));
    }
  }
  TINYC_CHECK(first != nullptr);
  const int64_t size = first->header.dims[0];
  return std::make_unique<ArraySource>(std::move(streams), size);
}

SourcePtr open_npy(const std::filesystem::path& path, const SourceRequest& request) {
  std::vector<ArrayStream> streams;
  streams.push_back(open_stream(path, ""));
  return make_array_source(std::move(streams), request);
}

SourcePtr open_named_npys(const std::filesystem::path& folder, const SourceRequest& request) {
  std::vector<ArrayStream> streams;
  const auto add = [&](const std::string& name) {
    const std::filesystem::path path = folder / (name + ".npy");
    with_context([&] { return path.filename().string(); }, [&] { streams.push_back(open_stream(path, name)); });
  };
  for (const ModelInput& input : request.inputs) add(input.name);
  if (std::filesystem::exists(folder / "labels.npy")) add(std::string(kLabels));
  return make_array_source(std::move(streams), request);
}

}  // namespace tinyc
