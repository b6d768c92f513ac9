// Files that a test needs, made from text.
//
// Arrays, one a line: NAME DTYPE DIMS = VALUES, where DTYPE is float32, float64, uint8, int64 or text (which nothing
// reads), DIMS "2,3" (or "-" for a scalar), and VALUES numbers (nan and inf too), "ramp" (0, 1/n, 2/n, ...), "ramp
// TOTAL START" (a part of a longer one), or "noise SEED" (between -1 and 1). An npy file has one line.
//
// Patches, one a line: "set NAME INDEX VALUE" writes an element of a float initializer, "fill NAME SEED" fills it with
// noise, "external NAME LOCATION" moves its bytes out of the model to LOCATION (nothing is written there), "dims NAME
// DIMS" declares other dims without touching the data.
#pragma once

#include <filesystem>
#include <string>

namespace golden {

void make_model(const std::filesystem::path& path, const std::string& text);
void patch_model(const std::filesystem::path& path, const std::string& text);
void make_npy(const std::filesystem::path& path, const std::string& text);
void make_npz(const std::filesystem::path& path, const std::string& text);

}  // namespace golden
