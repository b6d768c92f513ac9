#include "tinyc/base/hash.h"

#include <xxhash.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <new>

namespace tinyc {
namespace {

Digest make_digest(XXH128_hash_t hash) {
  return {hash.high64, hash.low64};
}

bool parse_hex(std::string_view text, uint64_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

}  // namespace

std::string Digest::hex() const {
  std::array<char, 33> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return buffer.data();
}

std::optional<Digest> Digest::from_hex(std::string_view text) {
  Digest digest;
  if (text.size() != 32 || !parse_hex(text.substr(0, 16), digest.high) || !parse_hex(text.substr(16), digest.low)) {
    return std::nullopt;
  }
  return digest;
}

Digest& Digest::operator+=(const Digest& other) {
  low += other.low;
  high += other.high + (low < other.low ? 1 : 0);
  return *this;
}

Digest hash_bytes(std::span<const std::byte> bytes) {
  return make_digest(XXH3_128bits(bytes.data(), bytes.size()));
}

Digest hash_text(std::string_view text) {
  return hash_bytes(std::as_bytes(std::span(text)));
}

struct Hasher::State {
  XXH3_state_t* stream = XXH3_createState();
  State() {
    if (stream == nullptr) throw std::bad_alloc();
  }
  ~State() { XXH3_freeState(stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  reset();
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::reset() {
  XXH3_128bits_reset(state_->stream);
}

void Hasher::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->stream, bytes.data(), bytes.size());
}

Digest Hasher::digest() const {
  return make_digest(XXH3_128bits_digest(state_->stream));
}

}  // namespace tinyc
