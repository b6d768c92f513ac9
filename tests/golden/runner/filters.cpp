#include "filters.h"

#include <regex>
#include <sstream>
#include <stdexcept>

namespace golden {
namespace {

struct Filter {
  const char* name;
  const char* pattern;
  const char* replacement;
};

constexpr Filter kFilters[] = {
    {"seconds", R"~((seconds"?:? +)[0-9.]+(e-[0-9]+)?)~", "$1$$SECONDS"},
    {"memory", R"~((peak_memory_bytes"?:? +)[0-9]+)~", "$1$$MEMORY"},
    {"cost", R"~((\ncost +)[^\n]+)~", "$1$$COST"},
    {"hash", R"~(\b[0-9a-f]{32}\b)~", "$$HASH"},
    {"errors", R"~((sqnr_db|cosine|max_abs_error|SQNR|max error)("?:? +)-?[0-9.]+(e-?[0-9]+)?)~", "$1$2$$NUMBER"},
};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string mask(std::string text, const std::string& names, const std::filesystem::path& folder) {
  replace_all(text, folder.string(), "$DIR");
  replace_all(text, TINYC_SOURCE_DIR, "$SOURCE");
  replace_all(text, TINYC_VERSION, "$VERSION");
  std::istringstream words(names);
  for (std::string name; words >> name;) {
    bool known = false;
    for (const Filter& filter : kFilters) {
      if (name != filter.name) continue;
      text = std::regex_replace(text, std::regex(filter.pattern), filter.replacement);
      known = true;
    }
    if (!known) throw std::runtime_error("unknown filter " + name);
  }
  return text;
}

}  // namespace golden
