// Dependency files: what Make and Ninja read to know when a result is out of date.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tinyc {

// "out/m.c out/m.h: m.onnx data.npz", with every character escaped that Make takes for its own.
std::string depfile_text(std::span<const std::filesystem::path> outputs, std::span<const std::filesystem::path> inputs);

// The model and the files of its external data.
std::vector<std::filesystem::path> files_of_model(const std::filesystem::path& model);

// The file, or the folder and all files in it, sorted; nothing when the path is empty.
std::vector<std::filesystem::path> files_of_data(const std::filesystem::path& data);

}  // namespace tinyc
