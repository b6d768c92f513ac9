// C for a microcontroller: one pair NAME.h, NAME.c that needs nothing else, and on request a test that carries its
// vectors. DESIGN of the output: docs/emitted_c.md.
#pragma once

#include <string>
#include <vector>

#include "tinyc/code/program.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

struct EmittedFile {
  std::string name;  // "kws.c"
  std::string bytes;
};

struct CNames {
  std::string name;         // a C identifier: prefix of functions, stem of files
  std::string recipe_hash;  // of the run that made it; empty: unknown
};

// `NAME_run` and the macros about its buffers.
std::string emit_c_header(const DeviceProgram& program, const CNames& names);
// Kernels, constants, and NAME_run.
std::string emit_c_source(const DeviceProgram& program, const CNames& names);
// A program that runs the model on these inputs (by sample, then by model input, as the device has them) and compares
// every output byte with what the host computed: `int NAME_test(void)` gives the number of wrong bytes.
std::string emit_c_test(const DeviceProgram& program, const CNames& names,
                        const std::vector<std::vector<Tensor>>& samples);

// NAME_arrays.h: constants, scales, zero points and shapes, and nothing that computes. The graph carries annotations
// and packed constants. Throws Error(kModel) for codebooks.
std::string emit_c_arrays(const Graph& graph, const CNames& names);

// "mobilenet-v2.int8" -> "mobilenet_v2_int8".
std::string c_identifier(std::string_view text);

}  // namespace tinyc
