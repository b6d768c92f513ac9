// Layers with constant weights, one of each kind that has kernels of its own, and how their device programs are run.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "tinyc/code/program.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {

struct ProductLayer {
  std::string name;
  std::function<Graph()> make;
};

inline AttributeList pads(int64_t pad) {
  return {{"pads", std::vector<int64_t>(4, pad)}};
}

// One layer; a clamp behind it gives its result a grid that is no whole number of steps from the sums.
inline Graph one_conv(const Dims& x, const Dims& w, AttributeList attributes) {
  GraphBuilder b;
  Shape shape;
  for (const int64_t dim : x) shape.push_back(dim);
  const ValueId conv =
      b.node("Conv", {b.input("x", shape), b.random("w", w, 0.4F), b.random("b", {w[0]})}, std::move(attributes));
  return b.finish({b.node("Relu", {conv})});
}

inline Graph one_gemm(int64_t inputs, int64_t outputs, bool transposed) {
  GraphBuilder b;
  const Dims w = transposed ? Dims{outputs, inputs} : Dims{inputs, outputs};
  return b.finish({b.node("Gemm", {b.input("x", {1, inputs}), b.random("w", w, 0.4F), b.random("b", {outputs})},
                          {{"transB", int64_t{transposed}}})});
}

inline Graph one_transposed() {
  GraphBuilder b;
  return b.finish({b.node("ConvTranspose", {b.input("x", {1, 20, 5, 6}), b.random("w", {20, 9, 3, 3}, 0.4F)},
                          {{"strides", std::vector<int64_t>{2, 2}}})});
}

inline Graph many_rows() {
  GraphBuilder b;
  return b.finish({b.node("MatMul", {b.input("x", {1, 7, 70}), b.random("w", {70, 130}, 0.4F)})});
}

inline const ProductLayer kProductLayers[] = {
    {"Conv",
     [] {
       return one_conv({1, 18, 7, 6}, {21, 18, 3, 3}, pads(1));
     }},
    {"ConvInBlocksOfRows",
     [] {
       return one_conv({1, 40, 4, 4}, {50, 40, 3, 3}, pads(1));
     }},
    {"ConvOverTheInput",
     [] {
       return one_conv({1, 3, 9, 8}, {10, 3, 5, 2}, pads(0));
     }},
    {"Pointwise",
     [] {
       return one_conv({1, 20, 9, 9}, {30, 20, 1, 1}, pads(0));
     }},
    {"PointwiseInBlocksOfRows",
     [] {
       return one_conv({1, 130, 3, 3}, {70, 130, 1, 1}, pads(0));
     }},
    {"Depthwise",
     [] {
       return one_conv({1, 24, 9, 9}, {24, 1, 3, 3}, {{"group", int64_t{24}}});
     }},
    {"DepthwiseOfFive",
     [] {
       return one_conv({1, 24, 9, 9}, {24, 1, 5, 5}, {{"group", int64_t{24}}});
     }},
    {"Groups",
     [] {
       return one_conv({1, 40, 6, 6}, {16, 20, 3, 3}, {{"group", int64_t{2}}});
     }},
    {"WholeImage",
     [] {
       return one_conv({1, 20, 4, 3}, {33, 20, 4, 3}, pads(0));
     }},
    {"Gemm", [] { return one_gemm(37, 19, true); }},
    {"GemmInBlocksOfRows", [] { return one_gemm(300, 90, true); }},
    {"GemmOfColumns", [] { return one_gemm(150, 70, false); }},
    {"MatMul", many_rows},
    {"ConvTranspose", one_transposed},
};

inline std::vector<int8_t> run(const DeviceProgram& program, uint64_t seed) {
  Rng rng(seed);
  std::vector<int8_t> input(static_cast<size_t>(program.inputs[0].bytes));
  for (int8_t& byte : input) byte = static_cast<int8_t>(rng.below(256));
  std::vector<int8_t> output(static_cast<size_t>(program.outputs[0].bytes));
  const auto arena = allocate_bytes(static_cast<size_t>(program.arena_bytes));
  const std::array<const void*, 1> inputs{input.data()};
  const std::array<void*, 1> outputs{output.data()};
  run_device_program(program, inputs, outputs, arena.get());
  return output;
}

inline size_t constant_bytes(const DeviceProgram& program) {
  size_t bytes = 0;
  for (const DeviceConstant& constant : program.constants) bytes += constant.data.byte_size();
  return bytes;
}

}  // namespace tinyc::testing
