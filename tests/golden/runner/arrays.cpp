// npy and npz files from lines of text. Format: numpy.lib.format version 1.0, little endian.
#include <zip.h>

#include <cstdint>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "fixtures.h"
#include "noise.h"
#include "test_file.h"

namespace golden {
namespace {

struct Array {
  std::string name;
  std::string npy;
};

template <typename T>
void append(std::string& bytes, double value) {
  const T element = static_cast<T>(value);
  bytes.append(reinterpret_cast<const char*>(&element), sizeof element);
}

void append_element(std::string& bytes, const std::string& dtype, double value) {
  if (dtype == "float32") return append<float>(bytes, value);
  if (dtype == "float64") return append<double>(bytes, value);
  if (dtype == "uint8") return append<uint8_t>(bytes, value);
  if (dtype == "int64") return append<int64_t>(bytes, value);
  if (dtype == "text") return append<uint32_t>(bytes, 'x');
  throw std::runtime_error("unknown dtype " + dtype);
}

std::string descriptor(const std::string& dtype) {
  if (dtype == "float32") return "<f4";
  if (dtype == "float64") return "<f8";
  if (dtype == "uint8") return "|u1";
  if (dtype == "text") return "<U1";
  return "<i8";
}

std::string npy_header(const std::string& dtype, const std::string& dims) {
  std::string text = "{'descr': '" + descriptor(dtype) + "', 'fortran_order': False, 'shape': (" +
                     (dims == "-" ? "" : dims + ",") + "), }";
  while ((text.size() + 11) % 64 != 0) text += ' ';
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xFFU);
  header += static_cast<char>(text.size() >> 8U);
  return header + text;
}

size_t count_elements(const std::string& dims) {
  size_t count = 1;
  std::istringstream text(dims == "-" ? "" : dims);
  for (std::string dim; std::getline(text, dim, ',');) count *= std::stoul(dim);
  return count;
}

Array parse_array(const std::string& line) {
  std::istringstream words(line);
  Array array;
  std::string dtype, dims, equals, first;
  words >> array.name >> dtype >> dims >> equals >> first;
  if (equals != "=") throw std::runtime_error("expected NAME DTYPE DIMS = VALUES, got " + line);
  const size_t count = count_elements(dims);
  array.npy = npy_header(dtype, dims);
  size_t total = count;
  size_t start = 0;
  uint32_t seed = 0;
  if (first == "noise") words >> seed;
  if (first == "ramp" && !(words >> total >> start)) total = count;
  Noise noise(seed);
  for (size_t i = 0; i < count; ++i) {
    if (first == "ramp") {
      append_element(array.npy, dtype, static_cast<double>(start + i) / static_cast<double>(total));
    } else if (first == "noise") {
      append_element(array.npy, dtype, noise());
    } else {
      append_element(array.npy, dtype, std::stod(first));
      if (i + 1 < count && !(words >> first)) throw std::runtime_error("too few values: " + line);
    }
  }
  return array;
}

}  // namespace

void make_npy(const std::filesystem::path& path, const std::string& text) {
  write_text(path, parse_array(text).npy);
}

void make_npz(const std::filesystem::path& path, const std::string& text) {
  std::vector<Array> arrays;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) arrays.push_back(parse_array(line));
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  if (archive == nullptr) throw std::runtime_error("cannot create " + path.string());
  for (const Array& array : arrays) {
    zip_source_t* source = zip_source_buffer(archive, array.npy.data(), array.npy.size(), 0);
    if (zip_file_add(archive, (array.name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8) < 0) {
      throw std::runtime_error("cannot add " + array.name);
    }
  }
  if (zip_close(archive) != 0) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace golden
