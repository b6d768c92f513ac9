// The .npy format (version 1 to 3): magic, a Python dictionary literal that says element type and dims, then the
// elements. Source: numpy.lib.format, NEP 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "quant/data/source.h"

namespace tinyc {

struct NpyHeader {
  DataType dtype = DataType::kUndefined;
  Dims dims;
  uint64_t header_bytes = 0;
  uint64_t data_bytes = 0;
};

// Fills the span, or throws Error(kIo) when the bytes end before.
using ReadBytes = std::function<void(std::span<std::byte>)>;

// Throws Error(kIo) for what is no .npy, Error(kUsage) for element types and orders that tinyc does not read.
NpyHeader read_npy_header(const ReadBytes& read);

// One array that is read from front to back.
struct ArrayStream {
  std::string name;
  NpyHeader header;
  ReadBytes read;                // the elements; the header is behind
  std::function<void()> rewind;  // back to the first element
  std::function<void()> finish;  // all elements were read: checks what can only be checked now
};

// A source over arrays whose first axis counts samples. Throws Error(kUsage) when the counts differ.
SourcePtr make_array_source(std::vector<ArrayStream> streams, const SourceRequest& request);

}  // namespace tinyc
