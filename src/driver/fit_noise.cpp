// One number is looked for on a logarithmic scale: bytes fall by about as much each time the noise doubles, so they are
// found by interpolation, kept within a shrinking bracket; the drop of accuracy is less regular and found by bisection.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/base/progress.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/fit.h"

namespace tinyc {
namespace {

constexpr double kQuietest = 0x1p-12, kLoudest = 0x1p-1;
constexpr int kMostTrials = 9;  // between them
constexpr double kNear = 0.99;  // of the bytes that there is room for

class NoiseFit {
 public:
  NoiseFit(const QuantizationSettings& settings, const FitGoal& goal, const FitSteps& steps)
      : settings_(settings), goal_(goal), steps_(steps), progress_("fit", kMostTrials + 2) {}

  FitResult go() {
    const Trial chosen = goal_.bytes ? meet_bytes() : goal_.drop ? meet_drop() : tried(kQuietest);
    require_ram(chosen);
    if (goal_.bytes && goal_.drop) require_drop(chosen);
    FitResult result{settings_, {}, chosen.size.bytes, trials_};
    result.settings.weight_noise = chosen.noise;
    return result;
  }

 private:
  struct Trial {
    double noise = 0;
    Size size;
    double drop = 0;  // measured where it is a goal
  };

  Trial tried(double noise) {
    ++trials_;
    progress_.advance();
    QuantizationSettings settings = settings_;
    settings.weight_noise = noise;
    const Graph packed = steps_.pack(steps_.quantize(settings));
    return {noise, steps_.size(packed), goal_.drop ? steps_.drop(packed) : 0};
  }

  // The quietest that has room.
  Trial meet_bytes() {
    const auto room = static_cast<double>(*goal_.bytes);
    Trial quiet = tried(kQuietest);
    if (quiet.size.bytes <= *goal_.bytes) return quiet;
    Trial loud = tried(kLoudest);
    if (loud.size.bytes > *goal_.bytes) {
      throw Error(ErrorKind::kGate, fmt::format("the goal of {} bytes is out of reach: the smallest found has {}",
                                                *goal_.bytes, loud.size.bytes));
    }
    for (int i = 0; i < kMostTrials && static_cast<double>(loud.size.bytes) < kNear * room; ++i) {
      const double share = static_cast<double>(quiet.size.bytes - *goal_.bytes) /
                           static_cast<double>(quiet.size.bytes - loud.size.bytes);
      const Trial next = tried(between(quiet, loud, share));
      (next.size.bytes <= *goal_.bytes ? loud : quiet) = next;
    }
    return loud;
  }

  // The loudest that loses no more than the goal.
  Trial meet_drop() {
    Trial quiet = tried(kQuietest);
    require_drop(quiet);
    Trial loud = tried(kLoudest);
    if (loud.drop <= *goal_.drop) return loud;
    for (int i = 0; i < kMostTrials; ++i) {
      const Trial next = tried(between(quiet, loud, 0.5));
      (next.drop <= *goal_.drop ? quiet : loud) = next;
    }
    return quiet;
  }

  // Not nearer to either than a tenth of the way.
  static double between(const Trial& quiet, const Trial& loud, double share) {
    return quiet.noise * std::pow(loud.noise / quiet.noise, std::clamp(share, 0.1, 0.9));
  }

  void require_ram(const Trial& trial) const {
    if (!goal_.ram || trial.size.ram <= *goal_.ram) return;
    throw Error(ErrorKind::kGate,
                fmt::format("the goal of {} of RAM is out of reach: the arena takes {}",
                            format_bytes(static_cast<uint64_t>(*goal_.ram)),
                            format_bytes(static_cast<uint64_t>(trial.size.ram))),
                "fewer bits of weights do not make activations smaller");
  }

  void require_drop(const Trial& trial) const {
    if (trial.drop <= *goal_.drop) return;
    throw Error(ErrorKind::kGate, fmt::format("the goal of a drop of {:g} points is out of reach: {} bytes lose {:.2f}",
                                              *goal_.drop, trial.size.bytes, trial.drop));
  }

  const QuantizationSettings& settings_;
  const FitGoal& goal_;
  const FitSteps& steps_;
  Progress progress_;
  int trials_ = 0;
};

}  // namespace

FitResult fit_noise(const QuantizationSettings& settings, const FitGoal& goal, const FitSteps& steps) {
  return NoiseFit(settings, goal, steps).go();
}

}  // namespace tinyc
