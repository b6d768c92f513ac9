#include "tinyc/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tinyc/base/progress.h"

namespace tinyc {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Log, LevelsAndTextAsItIs) {
  testing::internal::CaptureStderr();
  log_debug("too quiet");
  log_warning("node 'a{}b' %s");
  set_log_level(LogLevel::kError);
  log_info("dropped");
  log_error("kept");
  set_log_level(LogLevel::kInfo);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("warning"));
  EXPECT_THAT(text, HasSubstr("node 'a{}b' %s\n"));
  EXPECT_THAT(text, HasSubstr("kept\n"));
  EXPECT_THAT(text, Not(HasSubstr("quiet")));
  EXPECT_THAT(text, Not(HasSubstr("dropped")));
}

TEST(Progress, IsSilentWithoutATerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("calibrate", 1000);
    for (int i = 0; i < 1000; ++i) progress.advance();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace tinyc
