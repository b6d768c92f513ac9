// Models in ONNX's own text form, for tests:
//   <ir_version: 8, opset_import: ["" : 13]>
//   net (float[N, 4] x) => (float[N, 2] y)
//   <float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}>
//   { y = MatMul(x, w) }
// The parser is libonnx's; only tests link it. Source: docs/Syntax.md of the ONNX project.
#pragma once

#include <string>
#include <string_view>

namespace tinyc::testing {

// The serialized ModelProto. Throws std::runtime_error with the parser's message.
std::string model_from_text(std::string_view text);

}  // namespace tinyc::testing
