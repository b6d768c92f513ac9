#include "onnx/external_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "tinyc/base/error.h"
#include "tinyc/ir/tensor.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;

struct Range {
  std::string location;
  int64_t offset = 0;
  int64_t length = -1;  // -1: to the end of the tensor
};

int64_t parse_size(const std::string& key, const std::string& text) {
  int64_t value = -1;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || value < 0) {
    throw Error(ErrorKind::kModel, "external data has " + key + " '" + text + "', expected a size in bytes");
  }
  return value;
}

Range range_of(const onnx::TensorProto& proto) {
  Range range;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") range.location = entry.value();
    if (entry.key() == "offset") range.offset = parse_size("offset", entry.value());
    if (entry.key() == "length") range.length = parse_size("length", entry.value());
  }
  return range;
}

bool is_below(const fs::path& folder, const fs::path& file) {
  const auto [rest, unused] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return rest == folder.end();
}

fs::path locate(const std::string& location, const fs::path& folder) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::kModel, "external data '" + location + "' " + why,
                "external data must lie in the model's folder or below it");
  };
  const fs::path relative(location);
  if (location.empty()) refuse("has no location");
  if (location.find('\0') != std::string::npos) refuse("has a zero byte in its location");
  if (relative.is_absolute()) refuse("is an absolute path");
  if (std::find(relative.begin(), relative.end(), "..") != relative.end()) refuse("leaves the model's folder by '..'");
  if (folder.empty()) refuse("cannot be read: the model has no folder");
  std::error_code code;
  const fs::path root = fs::canonical(folder, code);
  const fs::path file = code ? fs::path() : fs::canonical(root / relative, code);
  if (code) {
    throw Error(ErrorKind::kIo, "external data '" + location + "' cannot be read: " + code.message(),
                "keep the data file beside the model");
  }
  if (!is_below(root, file)) refuse("leads out of the model's folder by a symbolic link");
  return file;
}

// Closes the descriptor at the end of the scope.
struct Descriptor {
  int number;
  explicit Descriptor(const fs::path& file)
      : number(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

int64_t size_of(const Descriptor& descriptor, const std::string& location) {
  struct stat status {};
  if (descriptor.number < 0 || ::fstat(descriptor.number, &status) != 0) {
    throw Error(ErrorKind::kIo, "external data '" + location + "' cannot be read: " + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::kModel, "external data '" + location + "' is not a regular file");
  }
  return status.st_size;
}

}  // namespace

std::shared_ptr<const std::byte> read_external(const onnx::TensorProto& proto, const fs::path& folder, int64_t bytes) {
  const Range range = range_of(proto);
  const Descriptor descriptor(locate(range.location, folder));
  const int64_t size = size_of(descriptor, range.location);
  if (range.length >= 0 && range.length != bytes) {
    throw Error(ErrorKind::kModel, "external data '" + range.location + "' has length " + std::to_string(range.length) +
                                       ", expected " + std::to_string(bytes) + " for its dims");
  }
  if (bytes > size || range.offset > size - bytes) {
    throw Error(ErrorKind::kModel,
                "external data '" + range.location + "' ends at byte " + std::to_string(size) + ", " +
                    std::to_string(bytes) + " bytes at offset " + std::to_string(range.offset) + " lie beyond it",
                "copy or download the data file again");
  }
  auto data = allocate_bytes(static_cast<size_t>(bytes));
  for (int64_t done = 0; done < bytes;) {
    const ssize_t got =
        ::pread(descriptor.number, data.get() + done, static_cast<size_t>(bytes - done), range.offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Error(ErrorKind::kIo, "external data '" + range.location + "' cannot be read to its end");
    done += got;
  }
  return data;
}

}  // namespace tinyc
