// An op: one constant struct per operator, listed by one line in src/ops/op_list.inc. Everything that tinyc knows about
// an operator is in its entry: attributes, shape inference, evaluation, cost, and its quantization traits, which are
// data that passes read, so that passes never list operator names.
//
// The form of every op is that of ONNX opset 21; the importer (src/onnx/upgrade.cpp) brings older forms into it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/ir/graph.h"
#include "tinyc/ops/axes.h"
#include "tinyc/ops/linear.h"

namespace tinyc {

enum class AttributeType : uint8_t { kInt, kFloat, kString, kTensor, kGraph, kInts, kFloats, kStrings };

// An attribute and its default. Lists, tensors and graphs have no default: absent reads as empty.
struct AttributeDef {
  std::string_view name;
  AttributeType type;
  int64_t int_default = 0;
  float float_default = 0.0F;
  std::string_view string_default = {};

  constexpr AttributeDef(std::string_view n, int64_t v) : name(n), type(AttributeType::kInt), int_default(v) {}
  constexpr AttributeDef(std::string_view n, int v) : AttributeDef(n, static_cast<int64_t>(v)) {}
  constexpr AttributeDef(std::string_view n, float v) : name(n), type(AttributeType::kFloat), float_default(v) {}
  constexpr AttributeDef(std::string_view n, const char* v)
      : name(n), type(AttributeType::kString), string_default(v) {}
  constexpr AttributeDef(std::string_view n, AttributeType t) : name(n), type(t) {}
};

// Reading attributes of a node, with the op's default where the node gives none. TINYC_CHECKs that the op declares the
// attribute with that type; the importer has checked the model's own types before.
bool has_attr(const Node& node, std::string_view name);
int64_t int_attr(const Node& node, std::string_view name);
float float_attr(const Node& node, std::string_view name);
std::string_view string_attr(const Node& node, std::string_view name);
std::span<const int64_t> ints_attr(const Node& node, std::string_view name);
std::span<const float> floats_attr(const Node& node, std::string_view name);
const std::vector<std::string>& strings_attr(const Node& node, std::string_view name);
const Tensor& tensor_attr(const Node& node, std::string_view name);
const std::shared_ptr<const Graph>& graph_attr(const Node& node, std::string_view name);  // null when absent

// What shape inference sees of a node. Types may be open or have no rank: inference then says as much as is certain.
// Before a kernel runs, the evaluator infers once more with everything known, so outputs whose dims then are all known
// are allocated for the kernel; an op whose output dims depend on data leaves them open and calls set_output in eval.
class InferContext {
 public:
  // What is known of one operand. `dims` holds the elements of a small integer tensor that computes a shape, as far as
  // they are known ([N, 64] from Shape, Gather, Concat).
  struct Known {
    TensorType type;
    const Tensor* value = nullptr;
    std::optional<Shape> dims;
  };
  InferContext(const Node& node, std::vector<Known> inputs);

  const Node& node() const { return node_; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(node_.outputs.size()); }
  bool has_input(int idx) const { return idx < input_count() && node_.inputs[static_cast<size_t>(idx)] != kNoValue; }
  const TensorType& input(int idx) const;
  const Shape& shape(int idx) const { return input(idx).shape; }
  DataType dtype(int idx) const { return input(idx).dtype; }
  // The operand's elements where they are known now, else null.
  const Tensor* value(int idx) const;
  // The elements of an integer operand as dims, open where unknown; nullopt when not even their count is known.
  std::optional<Shape> dims_value(int idx) const;

  void set_output(int idx, DataType dtype, Shape shape);
  // Says what the elements of integer output idx are, as far as known.
  void set_dims_value(int idx, Shape dims);

  // A complaint about operand idx: "input 1 'w2' has rank 2, expected 4" (the caller says the part after the name).
  [[noreturn]] void fail_input(int idx, const std::string& what) const;
  // Throws unless operand idx has that rank or no known rank.
  void require_rank(int idx, int rank) const;

  const std::vector<Known>& outputs() const { return outputs_; }

 private:
  const Node& node_;
  std::vector<Known> inputs_;
  std::vector<Known> outputs_;
};

// What a kernel sees of a node: tensors. Outputs are allocated with the inferred type, uninitialized.
class EvalContext {
 public:
  using RunSubgraph = std::function<std::vector<Tensor>(const Graph& graph, std::span<const Tensor> inputs)>;
  EvalContext(const Node& node, std::span<const Tensor> inputs, std::span<Tensor> outputs,
              std::vector<std::byte>& scratch, const RunSubgraph& run_subgraph)
      : node_(node), inputs_(inputs), outputs_(outputs), scratch_(scratch), run_subgraph_(run_subgraph) {}

  const Node& node() const { return node_; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(outputs_.size()); }
  bool has_input(int idx) const { return idx < input_count() && inputs_[static_cast<size_t>(idx)].defined(); }
  bool has_output(int idx) const { return idx < output_count() && node_.outputs[static_cast<size_t>(idx)] != kNoValue; }
  const Tensor& input(int idx) const { return inputs_[static_cast<size_t>(idx)]; }
  // Throws Error(kModel) when the operands do not say the dims of the output: it then has no memory.
  Tensor& output(int idx) {
    if (!outputs_[static_cast<size_t>(idx)].defined()) fail_output(idx);
    return outputs_[static_cast<size_t>(idx)];
  }
  // The elements; an operand of another type is an Error(kModel), an output of another type a bug of the op.
  template <typename T>
  std::span<const T> in(int idx) const {
    if (input(idx).dtype() != data_type_of<T>()) fail_input_type(idx, data_type_of<T>());
    return input(idx).data<T>();
  }
  template <typename T>
  std::span<T> out(int idx) {
    return output(idx).mutable_data<T>();
  }
  // For outputs whose dims depend on data, or that share an operand's buffer.
  void set_output(int idx, Tensor tensor) { outputs_[static_cast<size_t>(idx)] = std::move(tensor); }
  // Uninitialized floats, 64-byte aligned, valid until the kernel returns; one block a kernel.
  float* scratch_floats(size_t count);
  // Runs a subgraph of this node; `inputs` as Graph::inputs, captures included.
  std::vector<Tensor> run_subgraph(const Graph& graph, std::span<const Tensor> inputs) const {
    return run_subgraph_(graph, inputs);
  }

 private:
  [[noreturn]] void fail_input_type(int idx, DataType expected) const;
  [[noreturn]] void fail_output(int idx) const;

  const Node& node_;
  std::span<const Tensor> inputs_;
  std::span<Tensor> outputs_;
  std::vector<std::byte>& scratch_;
  const RunSubgraph& run_subgraph_;
};

class CodeContext;  // ops/code.h

using Kernel = std::function<void(EvalContext&)>;

// What a kernel may be specialized for: dims of all operands, and those operands that are constants.
struct PrepareContext {
  const Node& node;
  std::span<const TensorType> inputs;        // dims all known
  std::span<const TensorType> outputs;       // dims all known
  std::span<const Tensor* const> constants;  // by operand; null when computed
  // A following Relu or Clip that the kernel must apply to output 0 (only offered to ops with `fuses_clamp`).
  float clamp_low = -std::numeric_limits<float>::infinity();
  float clamp_high = std::numeric_limits<float>::infinity();
};

// How the op behaves when its values are stored as integers.
enum class QuantKind : uint8_t {
  kFloat,        // stays in float
  kCompute,      // integers in, integers out; the output has a range of its own
  kSameAsInput,  // moves or selects elements: output 0.. take operand 0's parameters
  kShared,       // all data operands and the output have one set of parameters (Concat)
  kFixedRange,   // integers in, integers out; the output's range is known: [low, high)
  kClamp,        // Relu, Clip: folds into the producer's range when it is the only reader
  kWeightsOnly,  // computes in float from weights stored as integers (RNN)
};

// How factors of an op's operands come out of it: what happens to the result when elements of data operands are
// multiplied by positive numbers. Decides which channels of a float graph can be rescaled (quant/free_channels.h).
enum class Scaling : uint8_t {
  kNone,         // nothing is known: f(s x) is not s f(x)
  kElementwise,  // f(s x) = s f(x) for each element of operand 0; the other operands stay as they are (Relu, PRelu)
  kClamp,        // the same where limits other than 0 and infinity take the factor, too: operands 1 and 2 (Clip)
  kMove,         // each result is an element of a data operand, or 0 (Reshape, Pad, Concat)
  kPool,         // each result mixes elements of operand 0 with the same index on axis 1 (MaxPool, Resize)
  kReduce,       // each result mixes elements of operand 0 along the axes that operand 1 names (ReduceMean)
  kSum,          // elementwise over all operands, broadcast: f(s x, s y) = s f(x, y) (Add, Max)
  kProduct,      // elementwise over two operands, broadcast: f(s x, t y) = s t f(x, y) (Mul)
  kLayer,        // linear in operand 0 with the weights of operand 1, or a product of two data operands (Conv, MatMul)
  kGain,         // operand 1 scales and operand 2 shifts the result along its last axes (LayerNormalization)
};

struct QuantTraits {
  QuantKind kind = QuantKind::kFloat;
  std::string_view why_float = {};  // for kFloat: the reason given to the user
  uint32_t data_inputs = 1;         // bit i: operand i is data that is quantized (bit 31: all from the last set bit on)
  std::array<int8_t, 2> weights = {-1, -1};  // operands that are quantized as weights when they are constant
  int8_t bias = -1;                          // operand stored as int32 with scale s_data * s_weight
  uint32_t float_outputs = 0;                // bit i: output i is on no grid (the cell state of LSTM)
  // Axis of a weight operand that counts output channels; null: per tensor only.
  int (*channel_axis)(const Node& node, int operand, int rank) = nullptr;
  float low = 0.0F, high = 0.0F;  // for kFixedRange
  Scaling scaling = Scaling::kNone;
};

struct Arity {
  int min = 1;
  int max = 1;  // kMany: no upper limit
};
inline constexpr int kMany = std::numeric_limits<int>::max();

struct OpDef {
  std::string_view name;         // "Conv"
  std::string_view domain = "";  // "" is ai.onnx
  Arity inputs = {};
  Arity outputs = {};
  std::span<const AttributeDef> attributes = {};
  void (*infer)(InferContext&) = nullptr;  // required
  void (*eval)(EvalContext&) = nullptr;    // the reference; required
  Kernel (*prepare)(const PrepareContext&) =
      nullptr;  // a faster kernel with the same bits for any batch; may return {}
  int64_t (*macs)(const Node&, std::span<const TensorType> inputs, std::span<const TensorType> outputs) = nullptr;
  void (*code)(CodeContext&) = nullptr;  // kernel calls for a device (ops/code.h); null: the op has none
  // The node as products with a constant matrix (ops/linear.h), null for ops that are none; may find none in a node.
  std::optional<LinearForm> (*linear)(const LinearOperands&) = nullptr;
  // How axes belong together (ops/axes.h); null: nothing is known, or the op moves elements (Scaling::kMove).
  std::optional<NodeAxes> (*axes)(const AxesContext&) = nullptr;
  // For ops that move elements; false where they cannot say the new sizes. Null: they say none.
  bool (*resize)(ResizeContext&) = nullptr;
  bool is_view = false;       // output 0 is operand 0's bytes under other dims
  bool fuses_clamp = false;   // prepare() honours clamp_low and clamp_high
  bool deterministic = true;  // false: random numbers; never folded
  QuantTraits quant = {};
};

// Operand idx of the node is data that is quantized as an activation (unless it is a constant weight).
bool is_data_operand(const Node& node, int idx);

// All ops, in the order of op_list.inc.
std::span<const OpDef* const> all_ops();
// Null when unknown.
const OpDef* find_op(std::string_view domain, std::string_view name);

}  // namespace tinyc
