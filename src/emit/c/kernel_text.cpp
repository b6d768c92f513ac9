#include "emit/c/kernel_text.h"

#include <algorithm>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

class Collector {
 public:
  void add(std::string_view name) {
    if (std::find(done_.begin(), done_.end(), name) != done_.end()) return;
    done_.push_back(name);
    const auto texts = all_kernel_texts();
    const auto found = std::find_if(texts.begin(), texts.end(), [&](const KernelText& t) { return t.name == name; });
    TINYC_CHECK(found != texts.end());
    std::string body;
    std::string_view rest = found->text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size() - 1);
      const std::string_view line = rest.substr(0, end + 1);
      rest.remove_prefix(end + 1);
      constexpr std::string_view kInclude = "#include \"";
      if (line.starts_with(kInclude)) {
        add(line.substr(kInclude.size(), line.rfind('"') - kInclude.size()));
      } else {
        body += line;
      }
    }
    text_ += "\n" + body;
  }

  std::string text() { return std::move(text_); }

 private:
  std::vector<std::string_view> done_;
  std::string text_;
};

}  // namespace

std::string collect_kernels(std::span<const std::string_view> files) {
  Collector collector;
  for (std::string_view file : files) collector.add(file);
  return collector.text();
}

}  // namespace tinyc
