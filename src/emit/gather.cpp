// Integer constants of few values as indices into them. See emit/lower.h for what comes out.
//
// Layout: the indices of all constants that take at most 2^b values lie behind each other in one constant, b bits each,
// the low bits of a byte first. BitShift by 0, b, 2b, ... spreads a byte over a row, Mod 2^b cuts off what is above,
// Flatten and Split give each constant its indices, Gather and Reshape its values; Cast makes integers of 4 bits of
// these, which Gather cannot take. So a further constant costs two nodes and a codebook. All of it is constant to a
// runtime, which computes it once when it loads the model.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "tinyc/emit/lower.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr int kBitsOfAByte = 8;
constexpr int64_t kBytesOfNodes = 256;              // that a constant's nodes, shape and codebook take in a file, about
constexpr int64_t kMostIndices = int64_t{1} << 22;  // unpacked together, or those of one constant

// A constant by its different values.
struct Codes {
  ValueId id = kNoValue;
  std::vector<int64_t> codebook;  // ascending
  std::vector<int64_t> elements;
  int bits = 1;  // of an index: 1, 2, 4, or more than that saves
};

Codes codes_of(ValueId id, const Tensor& constant) {
  Codes codes{id, constant.to_int64(), constant.to_int64()};
  std::sort(codes.codebook.begin(), codes.codebook.end());
  codes.codebook.erase(std::unique(codes.codebook.begin(), codes.codebook.end()), codes.codebook.end());
  while (codes.codebook.size() > size_t{1} << codes.bits) codes.bits *= 2;
  return codes;
}

int64_t bytes_of(int64_t elements, int bits) {
  return elements * bits / kBitsOfAByte;
}

bool may_save(const Value& value) {
  if (!value.constant || !is_integer(value.constant->dtype())) return false;
  const int bits = bits_of(value.constant->dtype());
  return bits <= kBitsOfAByte && bytes_of(value.constant->size(), bits - 1) > kBytesOfNodes;
}

bool saves(const Codes& codes, const Tensor& constant) {
  return bytes_of(constant.size(), bits_of(constant.dtype()) - codes.bits) > kBytesOfNodes;
}

class GatherLowering {
 public:
  explicit GatherLowering(const Graph& graph) : out_(graph) {
    for (const Node& node : graph.nodes) taken_.insert(node.name);
  }

  Graph lower() {
    const Uses uses(out_);
    std::map<int, std::vector<Codes>> by_bits;
    std::map<int, int64_t> count;
    for (size_t i = 0; i < uses.is_output.size(); ++i) {
      if (uses.is_output[i] || !may_save(out_.values[i])) continue;
      const Tensor& constant = *out_.values[i].constant;
      Codes codes = codes_of(ValueId(i), constant);
      if (!saves(codes, constant)) continue;
      const int bits = codes.bits;
      if (count[bits] > 0 && count[bits] + constant.size() > kMostIndices) {
        gather(std::exchange(by_bits[bits], {}), bits);
        count[bits] = 0;
      }
      count[bits] += constant.size();
      by_bits[bits].push_back(std::move(codes));
    }
    for (const auto& [bits, constants] : by_bits) gather(constants, bits);
    out_.nodes.insert(out_.nodes.begin(), std::make_move_iterator(added_.begin()),
                      std::make_move_iterator(added_.end()));
    return std::move(out_);
  }

 private:
  // The indices of each constant: int32 [1, elements].
  std::vector<ValueId> unpacked(const std::vector<Codes>& constants, int bits) {
    const int in_a_byte = kBitsOfAByte / bits;
    std::vector<int64_t> sizes;
    std::vector<uint8_t> bytes;
    int64_t count = 0;
    for (const Codes& codes : constants) {
      sizes.push_back(static_cast<int64_t>(codes.elements.size()));
      for (const int64_t element : codes.elements) {
        const int place = static_cast<int>(count++ % in_a_byte);
        if (place == 0) bytes.push_back(0);
        const auto found = std::lower_bound(codes.codebook.begin(), codes.codebook.end(), element);
        bytes.back() = static_cast<uint8_t>(bytes.back() | (found - codes.codebook.begin()) << (bits * place));
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
    std::vector<uint8_t> shifts;
    for (int shift = 0; shift < kBitsOfAByte; shift += bits) shifts.push_back(static_cast<uint8_t>(shift));
    const auto in_a_byte = static_cast<int64_t>(shifts.size()), rows = bytes.size();
    const ValueId packed = out_.add_constant("packed_indices", bytes);
    const ValueId by = out_.add_constant("index_shifts", Tensor::of<uint8_t>({in_a_byte}, shifts));
    const ValueId range = out_.add_constant("index_range", Tensor::scalar(static_cast<uint8_t>(1 << bits)));
    const TensorType spread_type{DataType::kUint8, Shape({rows, in_a_byte})};
    const ValueId shifted =
        add_node("BitShift", {packed, by}, "shifted_indices", spread_type, {{"direction", std::string("RIGHT")}});
    const ValueId cut = add_node("Mod", {shifted, range}, "cut_indices", spread_type);
    const ValueId wide = add_node("Cast", {cut}, "wide_indices", {DataType::kInt32, spread_type.shape},
                                  {{"to", static_cast<int64_t>(DataType::kInt32)}});
    return add_node("Flatten", {wide}, "all_indices", {DataType::kInt32, Shape({1, rows * in_a_byte})},
                    {{"axis", int64_t{0}}});
  }

  void gather(const std::vector<Codes>& constants, int bits) {
    const std::vector<ValueId> indices = unpacked(constants, bits);
    for (size_t i = 0; i < constants.size(); ++i) {
      const ValueId id = constants[i].id;
      const Tensor constant = *out_[id].constant;
      out_[id].constant.reset();
      const DataType dtype = constant.dtype();
      const bool narrow = bits_of(dtype) < kBitsOfAByte;
      const DataType byte = is_signed_integer(dtype) ? DataType::kInt8 : DataType::kUint8;
      const ValueId codebook = out_.add_constant("codebook", codebook_of(constants[i], byte));
      const ValueId flat = add_node("Gather", {codebook, indices[i]}, "gathered", {byte, Shape({1, constant.size()})});
      const ValueId shaped = narrow ? add_value("shaped", {byte, Shape(constant.dims())}) : id;
      add_node("Reshape", {flat, shape_operand(constant.dims())}, {shaped});
      if (narrow) add_node("Cast", {shaped}, {id}, {{"to", static_cast<int64_t>(dtype)}});
    }
  }

  static Tensor codebook_of(const Codes& codes, DataType byte) {
    Tensor tensor = Tensor::zeros(byte, {static_cast<int64_t>(codes.codebook.size())});
    std::transform(codes.codebook.begin(), codes.codebook.end(), tensor.mutable_bytes(),
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
