#include "tinyc/pass/pass.h"

#include <algorithm>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/pass/make_pass.h"

namespace tinyc {

#define TINYC_PASS(name) extern const PassDef k_##name;
#include "passes/pass_list.inc"
#undef TINYC_PASS

namespace {

#define TINYC_PASS(name) &k_##name,
constexpr const PassDef* kPasses[] = {
#include "passes/pass_list.inc"
};
#undef TINYC_PASS

}  // namespace

std::span<const PassDef* const> all_passes() {
  return kPasses;
}

const PassDef* find_pass(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kPasses), std::end(kPasses), [&](const PassDef* p) { return p->name == name; });
  return found == std::end(kPasses) ? nullptr : *found;
}

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::kNormalize:
      return "normalize";
    case Stage::kRewrite:
      return "rewrite";
    case Stage::kPrune:
      return "prune";
    case Stage::kAnnotate:
      return "annotate";
    case Stage::kRepair:
      return "repair";
    case Stage::kPack:
      return "pack";
  }
  TINYC_CHECK(false);
}

namespace pass_detail {

void fail_unknown_option(std::string_view given, const std::vector<OptionInfo>& known) {
  std::vector<std::string_view> names;
  for (const OptionInfo& info : known) names.push_back(info.name);
  throw Error(ErrorKind::kUsage, "unknown option '" + std::string(given) + "'",
              names.empty() ? "this pass has no options" : spelling_hint(given, names));
}

void fail_option_type(std::string_view name, const OptionValue& wanted) {
  constexpr std::string_view kTypes[] = {"true or false", "an integer", "a number", "a string"};
  throw Error(ErrorKind::kUsage, "option '" + std::string(name) + "' must be " + std::string(kTypes[wanted.index()]));
}

}  // namespace pass_detail

}  // namespace tinyc
