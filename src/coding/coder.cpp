#include "tinyc/coding/coder.h"

#include <string>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {

#define TINYC_CODER(name) extern const CoderDef k_coder_##name;
#include "coder_list.inc"
#undef TINYC_CODER

namespace {

#define TINYC_CODER(name) &k_coder_##name,
constexpr const CoderDef* kCoders[] = {
#include "coder_list.inc"
};
#undef TINYC_CODER

}  // namespace

std::span<const CoderDef* const> all_coders() {
  return kCoders;
}

const CoderDef& find_coder(std::string_view name) {
  std::vector<std::string_view> names = {"none", "smallest", "fast"};
  for (const CoderDef* def : kCoders) {
    if (def->name == name) return *def;
    names.push_back(def->name);
  }
  throw Error(ErrorKind::kUsage, "unknown coder '" + std::string(name) + "'", spelling_hint(name, names));
}

std::vector<const CoderDef*> parse_coders(std::string_view choice) {
  if (choice == "none") return {};
  if (choice == "smallest" || choice == "fast") return {std::begin(kCoders), std::end(kCoders)};
  return {&find_coder(choice)};
}

}  // namespace tinyc
