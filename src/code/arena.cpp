// The memory plan: an offset in one arena for every buffer, made offline.
//
// Problem: two buffers that are alive during the same call must not share bytes, but for a result that a kernel may
// write over an operand which nobody reads afterwards (Overlap: exactly at the operand's start, or at least `below`
// bytes lower). Find offsets with the smallest end. Without overlap this is dynamic storage allocation, NP-hard.
//
// Method: buffers are placed one after the other at the lowest offset that fits those placed before; what is left is
// the order. Large ones first is the start; then orders are changed at random (one buffer moved to another place) and
// kept when the arena does not grow, until a lower bound is met or the tries are used up. The bound: for each call the
// bytes alive, a result and its operand counted as their union. Deterministic: the generator has a fixed seed.
//
// Cost: tries * buffers * conflicts of a buffer; a conflict list is short, since few buffers are alive at once.
// Source: the greedy order by size is that of Pisarchyk and Lee, Efficient memory management for deep neural net
// inference, 2020; overlap by a distance as in Diagonal memory optimisation (Blacker et al., 2020).
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>

#include "code/builder.h"
#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

constexpr int kTriesPerBuffer = 400;

int64_t round_up(int64_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

// A buffer that is alive at the same time as another, as the other sees it.
struct Conflict {
  size_t other;
  const Overlap* overlap = nullptr;  // the two may overlap so
  bool is_result = false;            // this one is the result, the other the operand
};

struct Item {
  size_t buffer;
  int64_t size;
  size_t first, last;
  std::vector<Conflict> conflicts;
};

void find_lifetimes(DeviceProgram& program) {
  std::vector<bool> seen(program.buffers.size(), false);
  for (size_t i = 0; i < program.calls.size(); ++i) {
    for (const CallArg& arg : program.calls[i].args) {
      if (arg.kind == CallArg::Kind::kNumber || arg.kind == CallArg::Kind::kConstant) continue;
      DeviceBuffer& buffer = program.buffers[arg.id];
      if (!seen[arg.id]) buffer.first_call = i;
      buffer.last_call = i;
      if (arg.kind == CallArg::Kind::kWrite) buffer.last_write = i;
      seen[arg.id] = true;
    }
  }
}

// The permission of a call to write `result` over `operand`, when the operand ends and the result begins there and
// every read of the operand has it.
const Overlap* overlap_of(const DeviceProgram& program, size_t result, size_t operand) {
  const DeviceBuffer& r = program.buffers[result];
  if (r.first_call != program.buffers[operand].last_call) return nullptr;
  const KernelCall& call = program.calls[r.first_call];
  const auto reads = std::count_if(call.args.begin(), call.args.end(), [&](const CallArg& arg) {
    return arg.kind == CallArg::Kind::kRead && arg.id == operand;
  });
  const Overlap* found = nullptr;
  int64_t allowed = 0;
  for (const Overlap& overlap : call.overlaps) {
    if (index_of(overlap.result) != result || index_of(overlap.operand) != operand) continue;
    found = &overlap;
    ++allowed;
  }
  const bool whole = std::all_of(call.args.begin(), call.args.end(),
                                 [&](const CallArg& arg) { return arg.id != operand || arg.offset == 0; });
  return allowed >= reads && whole ? found : nullptr;
}

std::vector<Item> find_items(const DeviceProgram& program) {
  std::vector<Item> items;
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    const DeviceBuffer& buffer = program.buffers[i];
    if (buffer.home != DeviceBuffer::Home::kArena || buffer.bytes == 0) continue;
    items.push_back({i, round_up(buffer.bytes), buffer.first_call, buffer.last_call, {}});
  }
  for (size_t a = 0; a < items.size(); ++a) {
    for (size_t b = 0; b < items.size(); ++b) {
      if (a == b || items[a].last < items[b].first || items[b].last < items[a].first) continue;
      Conflict conflict{b};
      if (const Overlap* overlap = overlap_of(program, items[a].buffer, items[b].buffer)) {
        conflict.overlap = overlap;
        conflict.is_result = true;
      } else {
        conflict.overlap = overlap_of(program, items[b].buffer, items[a].buffer);
      }
      items[a].conflicts.push_back(conflict);
    }
  }
  return items;
}

constexpr int64_t kUnplaced = -1;

class Placement {
 public:
  explicit Placement(const std::vector<Item>& items) : items_(items), offsets_(items.size(), kUnplaced) {}

  // The arena's size for this order.
  int64_t place(const std::vector<size_t>& order) {
    std::fill(offsets_.begin(), offsets_.end(), kUnplaced);
    int64_t end = 0;
    for (size_t idx : order) {
      offsets_[idx] = lowest(idx);
      end = std::max(end, offsets_[idx] + items_[idx].size);
    }
    return end;
  }

  const std::vector<int64_t>& offsets() const { return offsets_; }

 private:
  bool fits(size_t idx, int64_t offset) const {
    const Item& item = items_[idx];
    for (const Conflict& conflict : item.conflicts) {
      const int64_t other = offsets_[conflict.other];
      if (other == kUnplaced) continue;
      if (offset + item.size <= other || other + items_[conflict.other].size <= offset) continue;
      if (conflict.overlap == nullptr) return false;
      const int64_t result = conflict.is_result ? offset : other;
      const int64_t operand = conflict.is_result ? other : offset;
      const bool allowed =
          conflict.overlap->same_start ? result == operand : result <= operand - conflict.overlap->below;
      if (!allowed) return false;
    }
    return true;
  }

  // The offset from which something could fit: beside or over a conflicting buffer, or the start of the arena.
  int64_t lowest(size_t idx) {
    candidates_.assign(1, 0);
    for (const Conflict& conflict : items_[idx].conflicts) {
      const int64_t other = offsets_[conflict.other];
      if (other == kUnplaced) continue;
      candidates_.push_back(other + items_[conflict.other].size);
      if (conflict.overlap == nullptr) continue;
      const int64_t below = conflict.overlap->same_start ? 0 : conflict.overlap->below;
      if (!conflict.is_result) candidates_.push_back(other + round_up(below));
      if (conflict.is_result && other >= round_up(below)) candidates_.push_back(other - round_up(below));
    }
    std::sort(candidates_.begin(), candidates_.end());
    for (int64_t offset : candidates_) {
      if (fits(idx, offset)) return offset;
    }
    TINYC_CHECK(false);  // the end of all conflicting buffers always fits
    return 0;
  }

  const std::vector<Item>& items_;
  std::vector<int64_t> offsets_;
  std::vector<int64_t> candidates_;
};

// No plan is smaller: for each call, what is alive, a result and one operand under it counted as their union.
int64_t lower_bound(const std::vector<Item>& items, size_t calls) {
  int64_t bound = 0;
  for (size_t call = 0; call < calls; ++call) {
    int64_t alive = 0;
    for (const Item& item : items) {
      if (item.first > call || item.last < call) continue;
      alive += item.size;
      int64_t saved = 0;
      for (const Conflict& conflict : item.conflicts) {
        if (conflict.overlap == nullptr || !conflict.is_result || item.first != call) continue;
        const int64_t other = items[conflict.other].size;
        saved = std::max(saved, item.size + other - std::max(item.size, other + conflict.overlap->below));
      }
      alive -= saved;
    }
    bound = std::max(bound, alive);
  }
  return bound;
}

}  // namespace

void plan_arena(DeviceProgram& program) {
  find_lifetimes(program);
  const std::vector<Item> items = find_items(program);
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return items[a].size > items[b].size; });
  Placement placement(items);
  int64_t best = placement.place(order);
  const int64_t bound = lower_bound(items, program.calls.size());
  Rng rng(1);
  for (size_t i = 0; best > bound && i < items.size() * kTriesPerBuffer; ++i) {
    std::vector<size_t> changed = order;
    const size_t from = rng.below(changed.size());
    const size_t moved = changed[from];
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(from));
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(rng.below(changed.size() + 1)), moved);
    const int64_t size = placement.place(changed);
    if (size > best) continue;
    best = size;
    order = std::move(changed);
  }
  program.arena_bytes = placement.place(order);
  for (size_t i = 0; i < items.size(); ++i) program.buffers[items[i].buffer].offset = placement.offsets()[i];
}

}  // namespace tinyc
