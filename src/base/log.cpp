#include "tinyc/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>

namespace tinyc {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(spdlog::color_mode::automatic);
    auto made = std::make_shared<spdlog::logger>("tinyc", sink);
    // On a terminal a line first wipes the progress bar, which is drawn again at its next step.
    made->set_pattern(::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K%^%l%$: %v" : "%l: %v");
    made->set_level(spdlog::level::info);
    return made;
  }();
  return *instance;
}

}  // namespace

void set_log_level(LogLevel level) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                   spdlog::level::err, spdlog::level::off};
  logger().set_level(kLevels[static_cast<size_t>(level)]);
}

// The text is an argument, never the format: names in a model may hold braces.
void log_debug(std::string_view text) {
  logger().debug("{}", text);
}
void log_info(std::string_view text) {
  logger().info("{}", text);
}
void log_warning(std::string_view text) {
  logger().warn("{}", text);
}
void log_error(std::string_view text) {
  logger().error("{}", text);
}

}  // namespace tinyc
