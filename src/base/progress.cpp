#include "tinyc/base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace tinyc {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr int64_t kBarWidth = 30;

}  // namespace

Progress::Progress(std::string label, int64_t total)
    : label_(std::move(label)),
      total_(total),
      active_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_draw_(start_) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::advance(int64_t steps) {
  if (!active_) return;
  const std::lock_guard lock(mutex_);
  done_ += steps;
  const Clock::time_point now = Clock::now();
  if (now - last_draw_ < kInterval) return;
  last_draw_ = now;
  draw(now);
}

void Progress::draw(Clock::time_point now) {
  std::string line = "\r\x1b[K" + label_;
  if (total_ > 0) {
    const int64_t done = std::min(done_, total_);
    const int64_t filled = kBarWidth * done / total_;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double left = seconds * static_cast<double>(total_ - done) / static_cast<double>(std::max<int64_t>(done, 1));
    line += "  [" + std::string(static_cast<size_t>(filled), '#') +
            std::string(static_cast<size_t>(kBarWidth - filled), '.') + "]  " + std::to_string(done) + "/" +
            std::to_string(total_) + "  " + std::to_string(static_cast<int64_t>(left + 0.5)) + " s left";
  } else {
    line += "  " + std::to_string(done_);
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace tinyc
