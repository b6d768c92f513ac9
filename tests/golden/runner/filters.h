// Masks for what differs from run to run. The working folder, the repository and the version are masked always; the
// others where a test asks for them by name.
#pragma once

#include <filesystem>
#include <string>

namespace golden {

// `names`: "seconds memory hash", blank-separated.
std::string mask(std::string text, const std::string& names, const std::filesystem::path& folder);

}  // namespace golden
