#include "tinyc/driver/levels.h"

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

struct Level {
  std::vector<std::string> rewrite;
  std::vector<std::string> repair;
  std::vector<std::string> pack;
};

const Level& level_of(int level) {
  static const std::vector<std::string> kFolds = {"fold-batchnorm", "fold-gemm-scalars", "fold-bias", "fold-pad"};
  static const std::vector<std::string> kScaled = {"fold-batchnorm", "fold-gemm-scalars", "fold-bias", "fold-pad",
                                                   "migrate-scales"};
  static const std::vector<std::string> kPack = {"eliminate-constant-channels"};
  // Ranges are judged best where weights and means are right, and new ranges shift the means.
  static const std::vector<std::string> kRepair = {"optimize-rounding", "price-weights", "cluster-weights",
                                                   "search-ranges",     "correct-bias",  "shorten-biases",
                                                   "find-saturation"};
  static const std::array<Level, 4> kLevels = {
      {{{}, {}, {}}, {kFolds, {}, kPack}, {kScaled, kRepair, kPack}, {kScaled, kRepair, kPack}}};
  if (level < 0 || level >= static_cast<int>(kLevels.size())) {
    throw Error(ErrorKind::kUsage, "there is no level -O" + std::to_string(level), "levels are -O0 to -O3");
  }
  return kLevels[static_cast<size_t>(level)];
}

}  // namespace

void apply_level(int level, Recipe& recipe) {
  const Level& chosen = level_of(level);
  recipe[Stage::kNormalize] = {"fold-integers", "expand-qoperators", "lift-quantization", "fold-constants",
                               "remove-identities"};
  recipe[Stage::kRewrite] = chosen.rewrite;
  recipe[Stage::kAnnotate] = {"annotate"};
  recipe[Stage::kRepair] = chosen.repair;
  recipe[Stage::kPack] = chosen.pack;
  recipe[Stage::kPack].push_back("pack-constants");
  if (level < 3) return;
  recipe.pass_options["optimize-rounding"] = {
      {"finalists", int64_t{3}}, {"restarts", int64_t{100}}, {"iterations", int64_t{1000}}, {"trials", int64_t{2}}};
}

}  // namespace tinyc
