// A progress bar on stderr, only when stderr is a terminal: "calibrate  [#####.....]  52/100  3 s left".
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace tinyc {

class Progress {
 public:
  // total 0: not known, only the count is shown.
  Progress(std::string label, int64_t total);
  ~Progress();  // wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Safe from any thread; draws at most ten times a second.
  void advance(int64_t steps = 1);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);

  std::string label_;
  int64_t total_;
  int64_t done_ = 0;
  bool active_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_draw_;
  std::mutex mutex_;
};

}  // namespace tinyc
