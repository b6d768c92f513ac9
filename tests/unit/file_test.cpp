#include "tinyc/base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "tinyc/base/error.h"
#include "unit/temp_folder.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(File, ReadsWhatWasWritten) {
  const TempFolder folder;
  const std::string bytes("a\0b\n", 4);
  write_file_atomic(folder / "x", bytes);
  EXPECT_EQ(read_file(folder / "x", 4), bytes);
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(File, RefusesMoreThanTheLimit) {
  const TempFolder folder;
  write_file_atomic(folder / "x", "12345");
  EXPECT_THROW(read_file(folder / "x", 4), Error);
}

TEST(File, NamesPathAndReason) {
  const TempFolder folder;
  try {
    read_file(folder / "missing", 10);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(error.message().find("missing': No such file or directory"), std::string::npos);
  }
  EXPECT_THROW(read_file(folder.path(), 10), Error);
  EXPECT_THROW(AtomicFile(folder / "none" / "x"), Error);
  EXPECT_THROW(AtomicFile(folder.path()), Error);
}

TEST(File, WithoutCommitNothingHappens) {
  const TempFolder folder;
  write_file_atomic(folder / "x", "old");
  {
    AtomicFile file(folder / "x");
    file.write("new");
  }
  EXPECT_EQ(read_file(folder / "x", 10), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(File, DiskFullLeavesTheOldFile) {
  const TempFolder folder;
  write_file_atomic(folder / "x", "old");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_file_atomic(folder / "x", std::string(5000, 'y')), Error);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(folder / "x", 10), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(File, KeepsSymbolicLinksAndSpecialFiles) {
  const TempFolder folder;
  write_file_atomic(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  write_file_atomic(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "real", 10), "new");
  write_file_atomic("/dev/null", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(OutputSet, IsAllOrNothing) {
  const TempFolder folder;
  write_file_atomic(folder / "a", "old");
  OutputSet set;
  set.add(folder / "a", "new");
  set.add(folder / "b", "new");
  set.add(folder / "c", "new");
  fs::create_directory(folder / "c");  // renaming a file over a folder fails
  EXPECT_THROW(set.commit(), Error);
  EXPECT_EQ(read_file(folder / "a", 10), "old");
  EXPECT_FALSE(fs::exists(folder / "b"));
  fs::remove(folder / "c");

  OutputSet again;
  again.add(folder / "a", "new");
  again.add(folder / "b", "new");
  again.commit();
  EXPECT_EQ(read_file(folder / "a", 10), "new");
  EXPECT_EQ(read_file(folder / "b", 10), "new");
}

}  // namespace
}  // namespace tinyc
