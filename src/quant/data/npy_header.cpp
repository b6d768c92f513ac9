// The head of a .npy: a Python dictionary literal, read strictly; nothing in it is believed that would overflow.
#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstring>
#include <map>

#include "quant/data/npy.h"
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

}  // namespace tinyc
