// Log lines on stderr: "warning: text". Colours and cursor control only on a terminal. Safe from any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace tinyc {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError, kOff };

// Lines below this level are dropped; kInfo at the start.
void set_log_level(LogLevel level);

void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warning(std::string_view text);
void log_error(std::string_view text);

}  // namespace tinyc
