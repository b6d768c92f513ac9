#include "tinyc/base/error.h"

#include <utility>

namespace tinyc {

Error::Error(ErrorKind kind, std::string message, std::string hint)
    : kind_(kind), message_(std::move(message)), hint_(std::move(hint)), what_(message_) {}

void Error::add_context(std::string_view place) {
  what_ = std::string(place) + ": " + what_;
}

void check_failed(const char* condition, const char* file, int line) {
  throw Error(ErrorKind::kInternal,
              std::string("internal check failed: ") + condition + " (" + file + ":" + std::to_string(line) + ")",
              "this is a bug in tinyc; please report it with the model and the command line");
}

}  // namespace tinyc
