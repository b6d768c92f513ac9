// text_to_onnx IN.txt OUT.onnx: writes a model that is given in ONNX's text form.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>

#include "text/onnx_text.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s IN.txt OUT.onnx\n", argv[0]);
    return 2;
  }
  try {
    std::ifstream in(argv[1]);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    std::ofstream(argv[2], std::ios::binary) << tinyc::testing::model_from_text(text);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
    return 1;
  }
  return 0;
}
