// Names that are taken, and new ones like them. Files may ask for one name very often, so the next number is
// remembered.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace tinyc {

class UniqueNames {
 public:
  void take(const std::string& name) { taken_.insert(name); }

  // `base`, or `base_1`, `base_2`, ... that is neither taken nor `reserved`; takes it.
  std::string make(const std::string& base, const std::unordered_set<std::string>& reserved = {}) {
    std::string candidate = base;
    if (taken_.insert(candidate).second) return candidate;
    int& suffix = next_[base];
    do {
      candidate = base + "_" + std::to_string(++suffix);
    } while (reserved.contains(candidate) || !taken_.insert(candidate).second);
    return candidate;
  }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
};

}  // namespace tinyc
