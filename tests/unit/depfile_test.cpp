#include "tinyc/driver/depfile.h"

#include <gtest/gtest.h>

namespace tinyc {
namespace {

namespace fs = std::filesystem;

TEST(Depfile, EscapesWhatMakeTakesForItsOwn) {
  const std::vector<fs::path> outputs = {"out/a b.c", "out/a.h"};
  const std::vector<fs::path> inputs = {"m$1.onnx", "d#.npz"};
  EXPECT_EQ(depfile_text(outputs, inputs), "out/a\\ b.c out/a.h: \\\n  m$$1.onnx \\\n  d\\#.npz\n");
}

TEST(Depfile, DataAreTheFileOrAllFilesOfTheFolder) {
  EXPECT_TRUE(files_of_data("").empty());
  EXPECT_EQ(files_of_data("no_such.npz"), std::vector<fs::path>{"no_such.npz"});
}

}  // namespace
}  // namespace tinyc
