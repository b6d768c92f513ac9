// What an op's `code` function sees: one node of an annotated, packed graph, for which it writes kernel calls.
//
// A device program is a list of calls of the C99 kernels in src/rt, with buffers, constants and literal numbers as
// arguments. The integer engine makes the calls on the host, the C emitter prints them: the same kernels, the same
// arguments, the same bytes. Batch is 1.
//
// Buffers hold int8 (annotated values; what the model stores as uint8 is shifted by 128, exactly) or what the value is
// computed with. Order says how the axes of a value lie in memory: image layers work on channels-last data, and a
// Transpose usually costs nothing, because its result is the same bytes in another order.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tinyc/coding/coder.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

// A resolved argument of a kernel: a pointer or a number.
struct KernelArg {
  const void* pointer = nullptr;
  int32_t number = 0;
};

// A kernel of src/rt, with the types of its parameters as C writes them.
struct KernelDef {
  std::string_view name;  // "tc_conv_s8"
  std::string_view file;  // "conv_s8.h"
  std::span<const std::string_view> parameters;
  void (*invoke)(const KernelArg* args);
};

namespace code_detail {

template <typename T>
constexpr std::string_view c_type() {
  if constexpr (std::is_same_v<T, int32_t>) return "int32_t";
  if constexpr (std::is_same_v<T, const int8_t*>) return "const int8_t *";
  if constexpr (std::is_same_v<T, int8_t*>) return "int8_t *";
  if constexpr (std::is_same_v<T, const uint8_t*>) return "const uint8_t *";
  if constexpr (std::is_same_v<T, const int16_t*>) return "const int16_t *";
  if constexpr (std::is_same_v<T, int16_t*>) return "int16_t *";
  if constexpr (std::is_same_v<T, const int32_t*>) return "const int32_t *";
  if constexpr (std::is_same_v<T, int32_t*>) return "int32_t *";
  if constexpr (std::is_same_v<T, const float*>) return "const float *";
  if constexpr (std::is_same_v<T, float*>) return "float *";
  if constexpr (std::is_same_v<T, const void*>) return "const void *";
  if constexpr (std::is_same_v<T, void*>) return "void *";
}

template <typename T>
T convert(const KernelArg& arg) {
  if constexpr (std::is_pointer_v<T>) {
    return static_cast<T>(const_cast<void*>(arg.pointer));
  } else {
    return arg.number;
  }
}

template <typename Function>
struct Signature;
template <typename Result, typename... P>
struct Signature<Result (*)(P...)> {
  static constexpr std::string_view types[] = {c_type<P>()...};
  template <auto F, size_t... I>
  static void invoke_with(const KernelArg* args, std::index_sequence<I...> /*indices*/) {
    static_cast<void>(F(convert<P>(args[I])...));
  }
  template <auto F>
  static void invoke(const KernelArg* args) {
    invoke_with<F>(args, std::index_sequence_for<P...>());
  }
};

}  // namespace code_detail

template <auto F>
constexpr KernelDef make_kernel(std::string_view name, std::string_view file) {
  using Signature = code_detail::Signature<decltype(F)>;
  return {name, file, Signature::types, &Signature::template invoke<F>};
}
// TINYC_KERNEL(tc_add_s8, "add_s8.h"): a constant of type KernelDef.
#define TINYC_KERNEL(function, file) ::tinyc::make_kernel<&(function)>(#function, file)

enum class BufferId : uint32_t {};
enum class ConstantId : uint32_t {};
constexpr size_t index_of(BufferId id) {
  return static_cast<size_t>(id);
}
constexpr size_t index_of(ConstantId id) {
  return static_cast<size_t>(id);
}

struct CallArg {
  enum class Kind : uint8_t { kNumber, kRead, kWrite, kScratch, kConstant };
  Kind kind = Kind::kNumber;
  int32_t number = 0;
  uint32_t id = 0;     // of a buffer or a constant
  int64_t offset = 0;  // bytes into the buffer
};

// Where a call's result may lie over an operand that nobody reads afterwards.
struct Overlap {
  BufferId result{};
  BufferId operand{};
  bool same_start = false;  // only exactly at the operand's start
  int64_t below = 0;        // else: at the operand's start minus this many bytes, or lower
};

struct KernelCall {
  const KernelDef* kernel = nullptr;
  std::vector<CallArg> args;
  std::vector<Overlap> overlaps;
  size_t node = 0;              // index of the node in the graph that the work is done for
  int64_t unpacked_runs = 0;    // weights that it brings back to bytes first, without factors
  int64_t unpacked_blocks = 0;  // with a factor for each block
  int64_t decoded = 0;          // weights of the stream that it opens
  int64_t decoded_bytes = 0;    // of that stream
  int64_t multiplied = 0;       // products that it makes, where they are not priced as the MACs of the layer
  int64_t staged = 0;           // bytes that it brings to another order for them
};

// How the weights of a layer are stored in a constant.
struct WeightForm {
  std::string_view coding;    // "int8", "int4", "int2" or the name of a coder; empty: the constant is no such weights
  ByteParts parts;            // of the constant
  double entropy_bits = 0.0;  // of all its weights, see coding/entropy.h
};

// An 8-bit grid as the device has it: real = scale * (q - zero_point), low <= q <= high within int8.
struct Grid {
  float scale = 1.0F;
  int32_t zero_point = 0;
  int32_t low = -128;
  int32_t high = 127;
};

// order[k] is the axis of the value that is k-th in memory, outermost first.
using Order = std::vector<int>;
Order plain_order(int rank);
// Axis 1 last: [N, H, W, C].
Order channels_last(int rank);
// The dims as they lie in memory.
Dims ordered(std::span<const int64_t> dims, const Order& order);

// What the op computes with on a device: "integer", "float", or "-" where it has no kernels.
std::string_view device_form(const OpDef& op);

class DeviceProgramBuilder;  // src/code

class CodeContext {
 public:
  CodeContext(DeviceProgramBuilder& builder, const Node& node) : builder_(builder), node_(node) {}

  const Node& node() const { return node_; }
  bool has_input(int idx) const;
  Dims dims(int idx) const;  // of an operand
  DataType dtype(int idx) const;
  Dims result_dims(int idx = 0) const;
  // The constant operand as it is stored, null when it is computed; its parameters, null when it has none.
  const Tensor* constant(int idx) const;
  const QParams* params(int idx) const;
  // Whether weights of at most 4 bits may lie packed in the program, and with which coders they may be stored.
  bool packs_weights() const;
  std::span<const CoderDef* const> coders() const;
  // Whether an operand (the result) is stored on an 8-bit grid, and on which. The result's limits are narrowed by the
  // Relu or Clip that the node is fused with.
  bool is_integer(int idx) const;
  bool is_result_integer(int idx = 0) const;
  Grid grid(int idx) const;
  Grid result_grid(int idx = 0) const;

  // How the operand lies in memory. A model input that nobody has asked for yet takes `wanted`.
  Order order_of(int idx, const Order& wanted) const;
  // The operand as integers (as floats) in that order; converted or transposed by a call of its own where it is not.
  CallArg in(int idx, const Order& order);
  CallArg in_float(int idx, const Order& order);
  // An operand that is stored as bytes which are numbers: indices.
  CallArg in_bytes(int idx, const Order& order);
  CallArg out(const Order& order, int idx = 0);
  CallArg out_float(const Order& order, int idx = 0);
  // A result that counts: int64 in the model, int32 on the device.
  CallArg out_index(const Order& order, int idx = 0);
  // The result is the operand's bytes: those of `order`, seen in `result_order`.
  void alias(int operand, const Order& order, const Order& result_order, int result = 0);
  CallArg scratch(int64_t bytes);
  // A constant of the program; equal ones are stored once. `role` names it in the emitted file: "weights".
  CallArg data(std::string_view role, Tensor tensor, const WeightForm& form = {});
  CallArg number(int64_t value) const;

  void call(const KernelDef& kernel, std::vector<CallArg> args);
  // The last call unpacks so many weights before it computes with them.
  void unpacks(int64_t weights, bool by_blocks);
  // The last call opens a stream of so many weights that are decoded where they are computed with.
  void decodes(int64_t weights, int64_t bytes);
  // The last call makes so many products, with inputs of which it stages so many bytes: from a stream, zeros left out,
  // or in steps.
  void multiplies(int64_t products, int64_t staged);
  // The result of the last call may lie over an operand of it, exactly at its start, or at least `below` bytes lower.
  void overlap_same_start(const CallArg& result, const CallArg& operand);
  void overlap_below(const CallArg& result, const CallArg& operand, int64_t below);

  // Throws Error(kModel) that names the node.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  DeviceProgramBuilder& builder_;
  const Node& node_;
};

}  // namespace tinyc
