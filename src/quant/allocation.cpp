#include "tinyc/quant/allocation.h"

#include <algorithm>
#include <tuple>

namespace tinyc {
namespace {

// States lie in one list for all layers: each knows the state before it.
struct State {
  int64_t bytes;
  double noise;
  size_t before;
  size_t form;
};

// Sorted by bytes, with falling noise.
void keep_frontier(std::vector<State>& states) {
  std::sort(states.begin(), states.end(), [](const State& a, const State& b) {
    return std::tie(a.bytes, a.noise, a.before, a.form) < std::tie(b.bytes, b.noise, b.before, b.form);
  });
  size_t kept = 0;
  for (const State& state : states) {
    if (kept == 0 || state.noise < states[kept - 1].noise) states[kept++] = state;
  }
  states.resize(kept);
}

// The largest of each range of bytes has the least noise of it; the smallest of all stays too.
void thin_out(std::vector<State>& states) {
  if (states.size() <= kMostStates) return;
  const int64_t first = states.front().bytes;
  const int64_t span = states.back().bytes - first;
  const auto range_of = [&](const State& state) {
    return static_cast<int64_t>(static_cast<double>(state.bytes - first) / static_cast<double>(span) *
                                static_cast<double>(kMostStates - 2));
  };
  size_t kept = 1;
  for (size_t i = 1; i < states.size(); ++i) {
    if (i + 1 == states.size() || range_of(states[i]) != range_of(states[i + 1])) states[kept++] = states[i];
  }
  states.resize(kept);
}

}  // namespace

std::vector<Allocation> allocate(std::span<const std::vector<Form>> layers) {
  std::vector<std::vector<State>> steps = {{{0, 0.0, 0, 0}}};
  for (const std::vector<Form>& forms : layers) {
    std::vector<State> next;
    const std::vector<State>& last = steps.back();
    for (size_t before = 0; before < last.size(); ++before) {
      for (size_t form = 0; form < forms.size(); ++form) {
        next.push_back({last[before].bytes + forms[form].bytes, last[before].noise + forms[form].noise, before, form});
      }
    }
    keep_frontier(next);
    thin_out(next);
    steps.push_back(std::move(next));
  }
  std::vector<Allocation> frontier;
  for (const State& end : steps.back()) {
    Allocation& allocation = frontier.emplace_back();
    allocation.bytes = end.bytes;
    allocation.noise = end.noise;
    allocation.forms.resize(layers.size());
    const State* state = &end;
    for (size_t layer = layers.size(); layer-- > 0;) {
      allocation.forms[layer] = state->form;
      state = &steps[layer][state->before];
    }
  }
  return frontier;
}

const Allocation* best_within(std::span<const Allocation> frontier, int64_t bytes) {
  const auto after = std::upper_bound(frontier.begin(), frontier.end(), bytes,
                                      [](int64_t most, const Allocation& item) { return most < item.bytes; });
  return after == frontier.begin() ? nullptr : &*(after - 1);
}

}  // namespace tinyc
