#include "tinyc/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_io(const char* action, const fs::path& path, int code, std::string hint = {}) {
  throw Error(ErrorKind::kIo, std::string("cannot ") + action + " '" + path.string() + "': " + std::strerror(code),
              std::move(hint));
}

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

fs::path sibling(const fs::path& target, const char* kind) {
  static std::atomic<uint32_t> counter{0};
  const std::string name = "." + target.filename().string() + "." + std::to_string(::getpid()) + "." +
                           std::to_string(counter.fetch_add(1)) + "." + kind;
  return target.parent_path() / name;
}

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) fail_io("read", path, errno);
  struct stat info {};
  if (::fstat(file.value, &info) != 0) fail_io("read", path, errno);
  if (S_ISDIR(info.st_mode)) fail_io("read", path, EISDIR);
  const auto refuse = [&] {
    throw Error(ErrorKind::kIo, "cannot read '" + path.string() + "': larger than the limit of " +
                                    std::to_string(max_bytes) + " bytes");
  };
  const auto expected = static_cast<uint64_t>(info.st_size);
  if (S_ISREG(info.st_mode) && expected > max_bytes) refuse();

  constexpr size_t kChunk = size_t{1} << 16;
  std::string bytes(S_ISREG(info.st_mode) ? static_cast<size_t>(expected) + 1 : kChunk, '\0');
  size_t used = 0;
  while (true) {
    const ssize_t got = ::read(file.value, bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io("read", path, errno);
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (used > max_bytes) refuse();
    if (used == bytes.size()) bytes.resize(2 * bytes.size());
  }
  bytes.resize(used);
  return bytes;
}

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  std::error_code ignored;
  resolved_ = fs::is_symlink(target_, ignored) ? fs::weakly_canonical(target_, ignored) : target_;
  struct stat info {};
  const bool exists = ::stat(resolved_.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) fail("write", EISDIR);
  if (resolved_.filename().empty()) fail("write", EISDIR);
  in_place_ = exists && !S_ISREG(info.st_mode);
  const mode_t mode = exists ? (info.st_mode & 0777U) : 0666U;
  if (in_place_) {
    descriptor_ = ::open(resolved_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    if (exists && ::access(resolved_.c_str(), W_OK) != 0) fail("write", errno);
#ifdef O_TMPFILE
    descriptor_ = ::open(folder_of(resolved_).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
#endif
    if (descriptor_ < 0) {
      temporary_ = sibling(resolved_, "tmp");
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    }
  }
  if (descriptor_ < 0) {
    const int code = errno;
    temporary_.clear();
    fail("write", code);
  }
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : target_(std::move(other.target_)),
      resolved_(std::move(other.resolved_)),
      temporary_(std::exchange(other.temporary_, {})),
      backup_(std::exchange(other.backup_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      in_place_(other.in_place_),
      published_(std::exchange(other.published_, false)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  forget_backup();
}

void AtomicFile::fail(const char* action, int code) const {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  fail_io(action, target_, code, full ? "nothing was changed; free some space or write elsewhere" : "");
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void AtomicFile::seal() {
  if (!in_place_) {
    if (::fsync(descriptor_) != 0) fail("write", errno);
    if (temporary_.empty()) {
      const fs::path name = sibling(resolved_, "tmp");
      const std::string open_file = "/proc/self/fd/" + std::to_string(descriptor_);
      if (::linkat(AT_FDCWD, open_file.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) fail("write", errno);
      temporary_ = name;
    }
  }
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("write", errno);
}

void AtomicFile::publish() {
  if (in_place_) return;
  const fs::path backup = sibling(resolved_, "old");
  if (::link(resolved_.c_str(), backup.c_str()) == 0) backup_ = backup;
  if (::rename(temporary_.c_str(), resolved_.c_str()) != 0) fail("write", errno);
  temporary_.clear();
  published_ = true;
}

void AtomicFile::retract() noexcept {
  if (!std::exchange(published_, false)) return;
  if (backup_.empty()) {
    ::unlink(resolved_.c_str());
  } else if (::rename(backup_.c_str(), resolved_.c_str()) == 0) {
    backup_.clear();
  }
}

void AtomicFile::forget_backup() noexcept {
  if (!backup_.empty()) ::unlink(backup_.c_str());
  backup_.clear();
}

void AtomicFile::commit() {
  seal();
  publish();
  forget_backup();
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

AtomicFile& OutputSet::add(fs::path target) {
  return *files_.emplace_back(std::make_unique<AtomicFile>(std::move(target)));
}

void OutputSet::commit() {
  for (const auto& file : files_) file->seal();
  try {
    for (const auto& file : files_) file->publish();
  } catch (...) {
    for (const auto& file : files_) file->retract();
    throw;
  }
  files_.clear();
}

}  // namespace tinyc
