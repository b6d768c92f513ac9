// Runs passes in the recipe's order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tinyc/pass/context.h"
#include "tinyc/pass/pass.h"

namespace tinyc {

struct PassStep {
  const PassDef* pass;
  std::any options;  // as PassDef::parse made them
};

struct PassTiming {
  std::string pass;
  double seconds = 0;
  bool changed = false;
};

// Runs each step on the graph; after each, types are inferred again where it changed something and the graph is
// verified. An Error that a pass lets out carries "pass 'NAME'". `after`, when given, is called behind every pass
// (dumps).
std::vector<PassTiming> run_passes(Graph& graph, std::span<const PassStep> steps, PassContext& context,
                                   const std::function<void(const PassDef&, const Graph&)>& after = {});

}  // namespace tinyc
