// Any bytes read as a model end in a graph or in an Error that is not our own bug; a graph that was read can be
// inferred, checked and written, and what was written is read again.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tinyc/base/error.h"
#include "tinyc/ir/verify.h"
#include "tinyc/onnx/export.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tinyc;
  std::string written;
  try {
    Graph graph = import_model_bytes({reinterpret_cast<const char*>(data), size});
    infer_types(graph);
    verify(graph);
    written = export_model(graph);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInternal) return 0;
    std::fprintf(stderr, "%s\n", error.what());
    std::abort();
  }
  Graph again = import_model_bytes(written);
  infer_types(again);
  return 0;
}
