// Bytes fall about evenly with the setting of a knob, so they are found by interpolation, kept within a shrinking
// bracket; the drop of accuracy is less regular and found by bisection.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/base/progress.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/fit.h"

namespace tinyc {
namespace {

constexpr double kLeastNoise = 0x1p-12, kMostNoise = 0x1p-1;
constexpr int kMostTrials = 9;  // between them
constexpr double kNear = 0.99;  // of the bytes that there is room for

class KnobFit {
 public:
  KnobFit(const Knob& knob, const FitGoal& goal, const FitSteps& steps)
      : knob_(knob), goal_(goal), steps_(steps), progress_("fit", kMostTrials + 2) {}

  KnobSetting go() {
    const Trial chosen = goal_.bytes ? meet_bytes() : goal_.drop ? meet_drop() : tried(knob_.gentlest);
    require_ram(chosen);
    if (goal_.bytes && goal_.drop) require_drop(chosen);
    return {chosen.setting, chosen.size.bytes, trials_};
  }

 private:
  struct Trial {
    double setting = 0;
    Size size;
    double drop = 0;  // measured where it is a goal
  };

  Trial tried(double setting) {
    ++trials_;
    progress_.advance();
    const Graph packed = knob_.make(setting);
    return {setting, steps_.size(packed), goal_.drop ? steps_.drop(packed) : 0};
  }

  // The gentlest that has room.
  Trial meet_bytes() {
    const auto room = static_cast<double>(*goal_.bytes);
    Trial gentle = tried(knob_.gentlest);
    if (gentle.size.bytes <= *goal_.bytes) return gentle;
    Trial strong = tried(knob_.strongest);
    if (strong.size.bytes > *goal_.bytes) {
      throw Error(ErrorKind::kGate, fmt::format("the goal of {} bytes is out of reach: the smallest found has {}",
                                                *goal_.bytes, strong.size.bytes));
    }
    for (int i = 0; i < kMostTrials && static_cast<double>(strong.size.bytes) < kNear * room; ++i) {
      const double share = static_cast<double>(gentle.size.bytes - *goal_.bytes) /
                           static_cast<double>(gentle.size.bytes - strong.size.bytes);
      const Trial next = tried(between(gentle, strong, share));
      (next.size.bytes <= *goal_.bytes ? strong : gentle) = next;
    }
    return strong;
  }

  // The strongest that loses no more than the goal.
  Trial meet_drop() {
    Trial gentle = tried(knob_.gentlest);
    require_drop(gentle);
    Trial strong = tried(knob_.strongest);
    if (strong.drop <= *goal_.drop) return strong;
    for (int i = 0; i < kMostTrials; ++i) {
      const Trial next = tried(between(gentle, strong, 0.5));
      (next.drop <= *goal_.drop ? gentle : strong) = next;
    }
    return gentle;
  }

  // Not nearer to either than a tenth of the way.
  double between(const Trial& gentle, const Trial& strong, double share) const {
    const double part = std::clamp(share, 0.1, 0.9);
    if (!knob_.logarithmic) return gentle.setting + part * (strong.setting - gentle.setting);
    return gentle.setting * std::pow(strong.setting / gentle.setting, part);
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

  const Knob& knob_;
  const FitGoal& goal_;
  const FitSteps& steps_;
  Progress progress_;
  int trials_ = 0;
};

}  // namespace

KnobSetting fit_knob(const Knob& knob, const FitGoal& goal, const FitSteps& steps) {
  return KnobFit(knob, goal, steps).go();
}

FitResult fit_noise(const QuantizationSettings& settings, const FitGoal& goal, const FitSteps& steps) {
  FitResult result{.settings = settings};
  const Knob knob{kLeastNoise, kMostNoise, true, [&](double noise) {
                    result.settings.weight_noise = noise;
                    return steps.pack(steps.quantize(result.settings));
                  }};
  const KnobSetting found = fit_knob(knob, goal, steps);
  result.settings.weight_noise = found.value;
  result.bytes = found.bytes;
  result.trials = found.trials;
  return result;
}

}  // namespace tinyc
