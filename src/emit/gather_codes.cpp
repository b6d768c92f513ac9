// Nobody tells how weights were quantized: values that are few, and vectors that come in few combinations, are found by
// counting. Every length that divides the constant is tried, along every axis, and given up at the 257th vector, so a
// constant without such vectors costs little.
#include "emit/gather_codes.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tinyc {
namespace {

constexpr int kBitsOfAByte = 8;
constexpr size_t kMostEntries = 256;
constexpr int64_t kLongest = 64;
constexpr int64_t kBytesOfTranspose = 100;  // the node that puts axes back

int64_t bytes_of(int64_t elements, int bits) {
  return elements * bits / kBitsOfAByte;
}

// Elements with axis `last` behind all others.
std::vector<int8_t> moved_last(const std::vector<int64_t>& elements, const Dims& dims, size_t last) {
  int64_t inner = 1;
  for (size_t axis = last + 1; axis < dims.size(); ++axis) inner *= dims[axis];
  const int64_t size = dims.empty() ? 1 : dims[last], block = size * inner;
  std::vector<int8_t> moved;
  moved.reserve(elements.size());
  for (int64_t first = 0; first < std::ssize(elements); first += block) {
    for (int64_t i = 0; i < inner; ++i) {
      for (int64_t k = 0; k < size; ++k) {
        moved.push_back(static_cast<int8_t>(elements[static_cast<size_t>(first + k * inner + i)]));
      }
    }
  }
  return moved;
}

std::optional<Codes> codes_with(const std::vector<int8_t>& elements, int64_t length) {
  Codes codes;
  codes.length = length;
  std::unordered_map<std::string_view, uint8_t> found;
  const auto size = static_cast<size_t>(length);
  for (size_t at = 0; at < elements.size(); at += size) {
    const std::string_view vector(reinterpret_cast<const char*>(elements.data() + at), size);
    const auto [place, is_new] = found.try_emplace(vector, static_cast<uint8_t>(found.size()));
    if (found.size() > kMostEntries) return {};
    if (is_new)
      codes.entries.insert(codes.entries.end(), elements.begin() + static_cast<std::ptrdiff_t>(at),
                           elements.begin() + static_cast<std::ptrdiff_t>(at + size));
    codes.indices.push_back(place->second);
  }
  while (found.size() > size_t{1} << codes.bits) codes.bits *= 2;
  return codes;
}

std::vector<int64_t> order_with(size_t axes, size_t last) {
  std::vector<int64_t> perm(axes);
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin() + static_cast<std::ptrdiff_t>(last), perm.begin() + static_cast<std::ptrdiff_t>(last) + 1,
              perm.end());
  return perm;
}

}  // namespace

int64_t Codes::bytes() const {
  return std::ssize(entries) + bytes_of(std::ssize(indices), bits) + (perm.empty() ? 0 : kBytesOfTranspose);
}

std::optional<Codes> shortest_codes(const Tensor& constant, int64_t least_saved) {
  const std::vector<int64_t> elements = constant.to_int64();
  std::optional<Codes> best;
  int64_t least = bytes_of(constant.size(), bits_of(constant.dtype())) - least_saved;
  const size_t axes = constant.dims().size();
  for (size_t i = 0; i < std::max<size_t>(axes, 1); ++i) {
    const size_t last = axes == 0 ? 0 : axes - 1 - i;  // the elements as they are first
    const std::vector<int8_t> moved = moved_last(elements, constant.dims(), last);
    for (int64_t length = i == 0 ? 1 : 2; length <= std::min(kLongest, constant.size()); ++length) {
      if (constant.size() % length != 0) continue;
      std::optional<Codes> codes = codes_with(moved, length);
      if (!codes) continue;
      if (i > 0) codes->perm = order_with(axes, last);
      if (codes->bytes() >= least) continue;
      least = codes->bytes();
      best = std::move(codes);
    }
  }
  return best;
}

}  // namespace tinyc
