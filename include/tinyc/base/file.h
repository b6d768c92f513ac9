// Files. Reading is bounded; writing is atomic: bytes go to a temporary file in the target's own folder, and only a
// complete file that has reached the disk takes the target's name. Whatever fails, the target is as it was before and
// no partial file remains; where the file system can, not even when the process is killed (the temporary has no name).
//
// A target that exists and is no regular file (/dev/null, a pipe) is written in place. A symbolic link stays: the file
// that it points to is replaced. All failures are Error(kIo) naming the path and the system's reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tinyc {

inline constexpr uint64_t kMaxTextFileBytes = uint64_t{64} << 20;

// The whole file. Error(kIo) when it has more than max_bytes.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();  // without commit(): nothing has happened
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  const std::filesystem::path& target() const { return target_; }
  void write(std::string_view bytes);
  void commit();

 private:
  friend class OutputSet;
  [[noreturn]] void fail(const char* action, int code) const;
  void seal();     // all bytes are on the disk, under a temporary name: nothing that needs space comes after
  void publish();  // the temporary takes the target's name; the old file is kept aside
  void retract() noexcept;
  void forget_backup() noexcept;

  std::filesystem::path target_;     // as given
  std::filesystem::path resolved_;   // behind symbolic links
  std::filesystem::path temporary_;  // empty: no name yet
  std::filesystem::path backup_;     // empty: there was no file before
  int descriptor_ = -1;
  bool in_place_ = false;
  bool published_ = false;
};

void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);

// Several files that appear all or not at all.
class OutputSet {
 public:
  // The reference stays good until the set is destroyed.
  AtomicFile& add(std::filesystem::path target);
  void add(std::filesystem::path target, std::string_view bytes) { add(std::move(target)).write(bytes); }
  void commit();

 private:
  std::vector<std::unique_ptr<AtomicFile>> files_;
};

}  // namespace tinyc
