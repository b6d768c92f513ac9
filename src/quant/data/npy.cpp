#include "quant/data/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr size_t kMaxHeader = 1 << 16;
constexpr size_t kMaxRank = 32;
constexpr uint64_t kMaxBytes = uint64_t{1} << 50U;

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorKind::kIo, "not a readable .npy: " + what);
}

// Reads the three entries of the dictionary, whatever their order.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  void parse(NpyHeader& header) {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        header.dtype = element_type();
      } else if (key == "fortran_order") {
        fortran_ = boolean();
      } else if (key == "shape") {
        header.dims = tuple();
        seen_shape_ = true;
      } else {
        damaged("unknown header key '" + std::string(key) + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (header.dtype == DataType::kUndefined || !seen_shape_) damaged("the header lacks its type or shape");
    if (fortran_ && header.dims.size() > 1) {
      throw Error(ErrorKind::kUsage, "the array is stored in Fortran order",
                  "save numpy.ascontiguousarray(array) instead");
    }
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
  }
  bool accept(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) damaged(std::string("the header has no '") + c + "' where one belongs");
  }
  std::string_view quoted() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const size_t end = rest_.find(quote);
    if (end == std::string_view::npos) damaged("a string in the header has no end");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    skip_blanks();
    const bool value = rest_.starts_with("True");
    if (!value && !rest_.starts_with("False")) damaged("fortran_order is neither True nor False");
    rest_.remove_prefix(value ? 4 : 5);
    return value;
  }
  Dims tuple() {
    Dims dims;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      int64_t dim = -1;
      const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (code != std::errc() || dim < 0 || dims.size() == kMaxRank) damaged("the shape is not a tuple of sizes");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      dims.push_back(dim);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return dims;
  }
  DataType element_type() {
    skip_blanks();
    const bool is_string = !rest_.empty() && (rest_.front() == '\'' || rest_.front() == '"');
    const std::string text(is_string ? quoted() : "a structure");
    static const std::map<std::string, DataType, std::less<>> kTypes = {
        {"|u1", DataType::kUint8},   {"|i1", DataType::kInt8},  {"<u2", DataType::kUint16}, {"<i2", DataType::kInt16},
        {"<u4", DataType::kUint32},  {"<i4", DataType::kInt32}, {"<u8", DataType::kUint64}, {"<i8", DataType::kInt64},
        {"<f2", DataType::kFloat16}, {"<f4", DataType::kFloat}, {"<f8", DataType::kDouble}, {"|b1", DataType::kBool},
        {"u1", DataType::kUint8},    {"i1", DataType::kInt8}};
    const auto found = kTypes.find(text);
    if (found == kTypes.end()) {
      throw Error(ErrorKind::kUsage, "the array holds elements of type '" + text + "'",
                  "save it as little-endian integers or floats, e.g. array.astype('float32')");
    }
    return found->second;
  }

  std::string_view rest_;
  bool fortran_ = false;
  bool seen_shape_ = false;
};

uint64_t checked_bytes(const NpyHeader& header) {
  uint64_t bytes = static_cast<uint64_t>(bits_of(header.dtype)) / 8;
  for (const int64_t dim : header.dims) {
    if (dim != 0 && bytes > kMaxBytes / static_cast<uint64_t>(dim)) damaged("its shape overflows");
    bytes *= static_cast<uint64_t>(dim);
  }
  return bytes;
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

NpyHeader read_npy_header(const ReadBytes& read) {
  std::array<unsigned char, 12> head{};
  const auto bytes = std::as_writable_bytes(std::span(head));
  read(bytes.first(10));
  if (std::memcmp(head.data(), "\x93NUMPY", 6) != 0) damaged("it does not begin like one");
  const bool is_long = head[6] >= 2;
  if (head[6] < 1 || head[6] > 3) damaged("version " + std::to_string(head[6]) + " is unknown");
  if (is_long) read(bytes.subspan(10, 2));
  size_t length = head[8] + (size_t{head[9]} << 8U);
  if (is_long) length += (size_t{head[10]} << 16U) + (size_t{head[11]} << 24U);
  if (length > kMaxHeader) damaged("its header is too long");
  std::string text(length, '\0');
  read(std::as_writable_bytes(std::span(text)));
  NpyHeader header;
  HeaderParser(text).parse(header);
  header.header_bytes = (is_long ? 12 : 10) + length;
  header.data_bytes = checked_bytes(header);
  return header;
}

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
