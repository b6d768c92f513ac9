// Integer constants of few values, or of few vectors of values, as indices into them. See emit/lower.h for what comes
// out.
//
// Layout: the indices of all constants that take b bits lie behind each other in one constant, the low bits of a byte
// first. BitShift by 0, b, 2b, ... spreads a byte over a row, Mod 2^b cuts off what is above (neither is needed for
// bytes), Flatten and Split give each constant its indices, Gather and Reshape its values. Transpose puts axes back
// where vectors lie along another than the last; Cast makes integers of 4 bits of bytes, which is what Gather takes. So
// a further constant costs two nodes or three, and a codebook. All of it is constant to a runtime, which computes it
// once when it loads the model.
#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "emit/gather_codes.h"
#include "tinyc/emit/lower.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr int kBitsOfAByte = 8;
constexpr int64_t kBytesOfNodes = 256;              // that a constant's nodes, shape and codebook take in a file, about
constexpr int64_t kMostIndices = int64_t{1} << 22;  // unpacked together, or those of one constant

// Whether any codes could be worth it.
bool may_save(const Value& value) {
  return value.constant && is_integer(value.constant->dtype()) && bits_of(value.constant->dtype()) <= kBitsOfAByte &&
         value.constant->size() * bits_of(value.constant->dtype()) / kBitsOfAByte > kBytesOfNodes;
}

// A constant that becomes indices.
struct Gathered {
  ValueId id;
  Codes codes;
};

class GatherLowering {
 public:
  explicit GatherLowering(const Graph& graph) : out_(graph) {
    for (const Node& node : graph.nodes) taken_.insert(node.name);
  }

  Graph lower() {
    const Uses uses(out_);
    std::map<int, std::vector<Gathered>> by_bits;
    std::map<int, int64_t> count;
    for (size_t i = 0; i < uses.is_output.size(); ++i) {
      if (uses.is_output[i] || !may_save(out_.values[i])) continue;
      std::optional<Codes> codes = shortest_codes(*out_.values[i].constant, kBytesOfNodes);
      if (!codes) continue;
      const int bits = codes->bits;
      const int64_t indices = std::ssize(codes->indices);
      if (count[bits] > 0 && count[bits] + indices > kMostIndices) {
        gather(std::exchange(by_bits[bits], {}), bits);
        count[bits] = 0;
      }
      count[bits] += indices;
      by_bits[bits].push_back({ValueId(i), *std::move(codes)});
    }
    for (const auto& [bits, constants] : by_bits) gather(constants, bits);
    out_.nodes.insert(out_.nodes.begin(), std::make_move_iterator(added_.begin()),
                      std::make_move_iterator(added_.end()));
    return std::move(out_);
  }

 private:
  // The indices of each constant: int32 [1, indices].
  std::vector<ValueId> unpacked(const std::vector<Gathered>& constants, int bits) {
    const int in_a_byte = kBitsOfAByte / bits;
    std::vector<int64_t> sizes;
    std::vector<uint8_t> bytes;
    int64_t count = 0;
    for (const auto& [id, codes] : constants) {
      sizes.push_back(std::ssize(codes.indices));
      for (const uint8_t index : codes.indices) {
        const int place = static_cast<int>(count++ % in_a_byte);
        if (place == 0) bytes.push_back(0);
        bytes.back() = static_cast<uint8_t>(bytes.back() | index << (bits * place));
      }
    }
    const auto rows = static_cast<int64_t>(bytes.size());
    if (rows * in_a_byte > count) sizes.push_back(rows * in_a_byte - count);  // what fills up the last byte
    const ValueId all = spread(Tensor::of<uint8_t>({rows, 1}, bytes), bits);
    std::vector<ValueId> indices;
    for (const int64_t size : sizes) indices.push_back(add_value("indices", {DataType::kInt32, Shape({1, size})}));
    const auto parts = static_cast<int64_t>(sizes.size());
    add_node("Split", {all, out_.add_constant("index_counts", Tensor::of<int64_t>({parts}, sizes))}, indices,
             {{"axis", int64_t{1}}});
    indices.resize(constants.size());
    return indices;
  }

  // All indices, and what fills up the last byte: int32 [1, all].
  ValueId spread(const Tensor& bytes, int bits) {
    const int64_t in_a_byte = kBitsOfAByte / bits, rows = bytes.size();
    const Shape shape({rows, in_a_byte});
    ValueId indices = out_.add_constant("packed_indices", bytes);
    if (bits < kBitsOfAByte) {
      std::vector<uint8_t> shifts;
      for (int shift = 0; shift < kBitsOfAByte; shift += bits) shifts.push_back(static_cast<uint8_t>(shift));
      const ValueId by = out_.add_constant("index_shifts", Tensor::of<uint8_t>({in_a_byte}, shifts));
      const ValueId range = out_.add_constant("index_range", Tensor::scalar(static_cast<uint8_t>(1 << bits)));
      const ValueId shifted = add_node("BitShift", {indices, by}, "shifted_indices", {DataType::kUint8, shape},
                                       {{"direction", std::string("RIGHT")}});
      indices = add_node("Mod", {shifted, range}, "cut_indices", {DataType::kUint8, shape});
    }
    const ValueId wide = add_node("Cast", {indices}, "wide_indices", {DataType::kInt32, shape},
                                  {{"to", static_cast<int64_t>(DataType::kInt32)}});
    return add_node("Flatten", {wide}, "all_indices", {DataType::kInt32, Shape({1, rows * in_a_byte})},
                    {{"axis", int64_t{0}}});
  }

  void gather(const std::vector<Gathered>& constants, int bits) {
    const std::vector<ValueId> indices = unpacked(constants, bits);
    for (size_t i = 0; i < constants.size(); ++i) gather(constants[i], indices[i]);
  }

  void gather(const Gathered& gathered, ValueId indices) {
    const auto& [id, codes] = gathered;
    const Tensor constant = *out_[id].constant;
    out_[id].constant.reset();
    const DataType dtype = constant.dtype();
    const DataType byte = is_signed_integer(dtype) ? DataType::kInt8 : DataType::kUint8;
    Dims dims;  // in which vectors lie
    for (const int64_t axis : codes.perm) dims.push_back(constant.dims()[static_cast<size_t>(axis)]);
    if (codes.perm.empty()) dims = constant.dims();
    Shape looked_up({1, std::ssize(codes.indices)});
    if (codes.length > 1) looked_up.push_back(codes.length);
    const ValueId codebook = out_.add_constant("codebook", codebook_of(codes, byte));
    const ValueId flat = add_node("Gather", {codebook, indices}, "gathered", {byte, looked_up});
    const bool moves = !codes.perm.empty(), narrows = bits_of(dtype) < kBitsOfAByte;
    const ValueId shaped = moves || narrows ? add_value("shaped", {byte, Shape(dims)}) : id;
    add_node("Reshape", {flat, shape_operand(dims)}, {shaped});
    const ValueId moved = moves && narrows ? add_value("moved", {byte, Shape(constant.dims())}) : moves ? id : shaped;
    if (moves) add_node("Transpose", {shaped}, {moved}, {{"perm", inverse(codes.perm)}});
    if (narrows) add_node("Cast", {moved}, {id}, {{"to", static_cast<int64_t>(dtype)}});
  }

  static std::vector<int64_t> inverse(const std::vector<int64_t>& perm) {
    std::vector<int64_t> inverse(perm.size());
    for (size_t i = 0; i < perm.size(); ++i) inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
    return inverse;
  }

  // [entries], or [entries, length].
  static Tensor codebook_of(const Codes& codes, DataType byte) {
    Dims dims{std::ssize(codes.entries) / codes.length};
    if (codes.length > 1) dims.push_back(codes.length);
    Tensor tensor = Tensor::zeros(byte, dims);
    std::transform(codes.entries.begin(), codes.entries.end(), tensor.mutable_bytes(),
                   [](int64_t value) { return static_cast<std::byte>(value); });
    return tensor;
  }

  // One for all constants of these dims.
  ValueId shape_operand(const Dims& dims) {
    const auto found = shapes_.find(dims);
    if (found != shapes_.end()) return found->second;
    const ValueId id = out_.add_constant("gathered_shape", Tensor::of<int64_t>({std::ssize(dims)}, dims));
    return shapes_[dims] = id;
  }

  ValueId add_value(std::string_view name, TensorType type) {
    Value value;
    value.name = out_.unique_name(name);
    value.type = std::move(type);
    return out_.add_value(std::move(value));
  }

  ValueId add_node(std::string_view op, std::vector<ValueId> inputs, std::string_view name, TensorType type,
                   AttributeList attributes = {}) {
    const ValueId output = add_value(name, std::move(type));
    add_node(op, std::move(inputs), std::vector{output}, std::move(attributes));
    return output;
  }

  void add_node(std::string_view op, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
                AttributeList attributes = {}) {
    Node node;
    node.op = find_op("", op);
    node.name = out_[outputs.front()].name;
    for (int suffix = 1; !taken_.insert(node.name).second; ++suffix) {
      node.name = out_[outputs.front()].name + "_" + std::to_string(suffix);
    }
    node.inputs = std::move(inputs);
    node.outputs = std::move(outputs);
    node.attributes = std::move(attributes);
    added_.push_back(std::move(node));
  }

  Graph out_;
  std::vector<Node> added_;      // in front of all others
  std::set<std::string> taken_;  // names of nodes
  std::map<Dims, ValueId> shapes_;
};

}  // namespace

Graph with_gathered_constants(const Graph& lowered) {
  return GatherLowering(lowered).lower();
}

}  // namespace tinyc
