// 128-bit content hashes (XXH3): fast, stable for ever, not cryptographic. They name data in reports and statistics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tinyc {

struct Digest {
  uint64_t high = 0;
  uint64_t low = 0;

  std::string hex() const;  // 32 lower-case digits
  static std::optional<Digest> from_hex(std::string_view text);
  // Sum modulo 2^128. The sum of the digests of many things names the bag of them, whatever their order.
  Digest& operator+=(const Digest& other);
  friend bool operator==(const Digest&, const Digest&) = default;
};

Digest hash_bytes(std::span<const std::byte> bytes);
Digest hash_text(std::string_view text);

// The same over pieces.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void reset();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyc
