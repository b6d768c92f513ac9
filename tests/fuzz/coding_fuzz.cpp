// Any bytes given to a decoder of weights are levels or an error, never a step outside of the stream or of the levels;
// any levels that were coded come back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "tinyc/coding/coder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tinyc;
  if (size < 2) return 0;
  const int64_t rows = data[0] % 16;
  const int64_t columns = data[1] % 64;
  const std::vector<uint8_t> bytes(data + 2, data + size);
  for (const CoderDef* coder : all_coders()) {
    const auto decoded = coder->decode(bytes, rows, columns);
    if (decoded && static_cast<int64_t>(decoded->size()) != rows * columns) std::abort();
    std::vector<int8_t> levels(bytes.begin(), bytes.end());
    levels.resize(static_cast<size_t>(rows * columns));
    const CodedLevels coded = coder->encode({levels, rows, columns});
    if (coder->decode(coded.stream, rows, columns) != levels) std::abort();
  }
  return 0;
}
