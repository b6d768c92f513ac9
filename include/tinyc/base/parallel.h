// A parallel loop. Indices are handed out in order, each to whichever thread is free, so what body(index, thread)
// leaves behind must depend on the index alone; `thread` (0 .. threads-1) only picks scratch memory.
#pragma once

#include <cstdint>
#include <functional>

namespace tinyc {

// Processors that this process may use, at least 1.
int hardware_threads();

// Runs body for every index in [0, count) on up to `threads` threads (0: hardware_threads()), the caller's among them.
// When bodies throw, no new index starts, and the exception of the smallest index that threw is rethrown: the same
// one for any number of threads.
void parallel_for(int64_t count, int threads, const std::function<void(int64_t index, int thread)>& body);

}  // namespace tinyc
