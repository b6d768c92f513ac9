// Arrays as .npy and .npz bytes, written by hand and by libzip, for tests of what reads them.
#pragma once

#include <zip.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tinyc/ir/tensor.h"

namespace tinyc {

inline std::string npy_bytes(const std::string& descr, const Dims& dims, const std::string& data,
                             const std::string& fortran = "False") {
  std::string shape;
  for (const int64_t dim : dims) shape += std::to_string(dim) + ",";
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': (" + shape + "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFFU);
  bytes += static_cast<char>(header.size() >> 8U);
  return bytes + header + data;
}

template <typename T>
std::string npy(const std::string& descr, const Dims& dims, const std::vector<T>& values) {
  return npy_bytes(descr, dims, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

inline void write_npz(const std::filesystem::path& path, const std::map<std::string, std::string>& members,
                      bool packed = true) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, bytes] : members) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t idx = zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_OVERWRITE);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(idx), packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  zip_close(archive);
}

}  // namespace tinyc
