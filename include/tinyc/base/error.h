// The one exception type of tinyc.
//
// An Error carries what went wrong, a hint what to do about it, and the chain of places where it happened. Places are
// added at four borders only: file, node, pass and recipe key (see with_context). The single catch is in the tool's
// main(), which maps the kind to the exit code. Broken invariants of our own are TINYC_CHECKs: kind kInternal.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace tinyc {

// The numbers are the process exit codes.
enum class ErrorKind {
  kGate = 1,       // the result was judged and failed
  kUsage = 2,      // command line, recipe or calibration data does not fit
  kModel = 3,      // the model is malformed or unsupported
  kIo = 4,         // a file cannot be read or written
  kInternal = 70,  // a bug in tinyc
};

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, std::string hint = {});

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  // "mobile.onnx: node 'conv2' (Conv, #17): input 1 'w2' has rank 2, expected 4"; no "error:" prefix, no hint.
  const char* what() const noexcept override { return what_.c_str(); }

  // Puts a place in front of the message; the outermost place is added last.
  void add_context(std::string_view place);

 private:
  ErrorKind kind_;
  std::string message_;
  std::string hint_;
  std::string what_;
};

// Runs body() and adds `place()` to any Error that leaves it.
template <typename Place, typename Body>
decltype(auto) with_context(Place&& place, Body&& body) {
  try {
    return body();
  } catch (Error& error) {
    error.add_context(place());
    throw;
  }
}

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace tinyc

#define TINYC_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::tinyc::check_failed(#condition, __FILE__, __LINE__))
