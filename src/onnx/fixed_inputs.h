// Inputs that the user turns into constants (ImportOptions::fixed).
#pragma once

#include <map>
#include <set>
#include <string>

#include "tinyc/ir/graph.h"

namespace tinyc {

struct FixedInputs {
  std::map<std::string, std::string, std::less<>> texts;  // input -> "16000" or "1,2,3"
  std::set<std::string, std::less<>> used;

  // Gives the value its constant when the user names it. Throws Error(kUsage) for a text that does not fit its type.
  bool fix(Value& value);
  // Throws Error(kUsage) for a name that no input had.
  void check(const Graph& graph) const;
};

}  // namespace tinyc
