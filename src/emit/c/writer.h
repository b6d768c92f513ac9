// What the C files have in common: names, numbers, arrays, the licence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tinyc/code/program.h"
#include "tinyc/emit/c.h"

namespace tinyc {

std::string upper(std::string_view text);
// "int8_t" for the elements of a buffer, constant or port.
std::string_view c_type_of(DataType dtype);
// A float as C writes it, exactly.
std::string c_float(float value);
// "INPUT", or "INPUT1" when there are several.
std::string port_macro(std::string_view kind, size_t idx, size_t count);
// "in", or "in1" when there are several.
std::string port_argument(std::string_view kind, size_t idx, size_t count);
// `void kws_run(const int8_t *in, int8_t *out, void *arena)`.
std::string run_signature(const DeviceProgram& program, const CNames& names);
// NAME_check of programs with coded weights: its declaration, and the function; `ids` are the constants' names.
bool has_streams(const DeviceProgram& program);
std::string check_declaration(const CNames& names);
std::string check_text(const DeviceProgram& program, const CNames& names, const std::vector<std::string>& ids);
// The first lines of every file.
std::string c_banner(const CNames& names, std::string_view what);
// Comments end at the first star and slash, wherever they come from: here at none.
std::string safe_comment(std::string text);
// The elements, comma-separated, in lines of at most 120 columns.
std::string c_elements(const Tensor& tensor);

}  // namespace tinyc
