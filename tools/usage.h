// Complaints about the command line, with spelling hints.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string_view>

namespace tinyc {

// Throws Error(kUsage) for what the parser did not take: an unknown flag or command, else `message` as it is.
[[noreturn]] void fail_parse(const CLI::App& app, std::string_view message);

// Throws Error(kUsage) unless value is one of `known`: "--engine: 'integr' is not known".
void require_one_of(std::string_view flag, std::string_view value, std::span<const std::string_view> known);

}  // namespace tinyc
