// Whatever a model file says, an op computes or throws an Error that blames the model: random operands and attributes
// for every op of the table, the same ones in every run.
#include <gtest/gtest.h>

#include <limits>
#include <new>
#include <random>

#include "op_test_util.h"

namespace tinyc {
namespace {

constexpr int kRunsPerOp = 150;

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return integer(0, 99) < percent; }
  template <typename T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[integer(0, static_cast<int64_t>(values.size()) - 1)];
  }

  Tensor tensor(DataType dtype, Dims dims) {
    Tensor tensor = Tensor::zeros(dtype, std::move(dims));
    const int64_t low = is_signed_integer(dtype) || is_floating(dtype) ? -3 : 0;
    if (dtype == DataType::kFloat) {
      for (float& x : tensor.mutable_data<float>()) x = static_cast<float>(integer(low, 5));
    } else if (dtype == DataType::kInt64) {
      for (int64_t& x : tensor.mutable_data<int64_t>()) x = integer(low, 5);
    } else if (dtype == DataType::kInt32) {
      for (int32_t& x : tensor.mutable_data<int32_t>()) x = static_cast<int32_t>(integer(low, 5));
    } else if (dtype == DataType::kBool) {
      for (bool& x : tensor.mutable_data<bool>()) x = chance(50);
    } else if (dtype == DataType::kInt8 || dtype == DataType::kUint8) {
      for (size_t i = 0; i < tensor.byte_size(); ++i) {
        tensor.mutable_bytes()[i] = static_cast<std::byte>(integer(low, 5) & 0xFF);
      }
    }
    return tensor;
  }

  DataType dtype() {
    return pick({DataType::kFloat, DataType::kFloat, DataType::kFloat, DataType::kInt64, DataType::kInt32,
                 DataType::kInt8, DataType::kUint8, DataType::kBool, DataType::kFloat16, DataType::kDouble,
                 DataType::kInt4, DataType::kUint64, DataType::kFloat8E5M2});
  }

  Dims dims() {
    Dims dims(static_cast<size_t>(integer(0, 4)));
    for (int64_t& dim : dims) dim = pick<int64_t>({0, 1, 1, 2, 2, 3, 4});
    return dims;
  }

  std::vector<Tensor> operands(const OpDef& op) {
    const int64_t count = integer(op.inputs.min, std::min(op.inputs.max, op.inputs.min + 4));
    std::vector<Tensor> operands;
    for (int64_t i = 0; i < count; ++i) {
      if (i >= op.inputs.min && chance(10)) {
        operands.emplace_back();
      } else if (i > 0 && operands[0].defined() && chance(50)) {
        operands.push_back(
            tensor(chance(80) ? operands[0].dtype() : dtype(), chance(70) ? operands[0].dims() : dims()));
      } else if (i > 0 && chance(40)) {
        operands.push_back(
            tensor(pick({DataType::kInt64, DataType::kFloat}), chance(50) ? Dims{integer(0, 4)} : Dims{}));
      } else {
        operands.push_back(tensor(dtype(), dims()));
      }
    }
    return operands;
  }

  int64_t attribute_integer() {
    if (chance(5)) return pick({std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()});
    return integer(-3, 5);
  }

  Attribute attribute(AttributeType type) {
    switch (type) {
      case AttributeType::kInt:
        return attribute_integer();
      case AttributeType::kFloat:
        return static_cast<float>(integer(-3, 5));
      case AttributeType::kString:
        return std::string(
            pick({"", "NOTSET", "SAME_UPPER", "VALID", "LEFT", "sum", "none", "linear", "ij,jk->ik", "..."}));
      case AttributeType::kTensor:
        return tensor(dtype(), chance(50) ? Dims{1} : dims());
      case AttributeType::kFloats:
        return std::vector<float>(static_cast<size_t>(integer(0, 4)), 1.0F);
      case AttributeType::kStrings:
        return std::vector<std::string>(static_cast<size_t>(integer(0, 4)), "Tanh");
      default:
        break;
    }
    std::vector<int64_t> list(static_cast<size_t>(integer(0, 4)));
    for (int64_t& element : list) element = chance(70) ? integer(1, 2) : attribute_integer();
    return list;
  }

  AttributeList attributes(const OpDef& op) {
    AttributeList list;
    for (const AttributeDef& def : op.attributes) {
      if (def.type != AttributeType::kGraph && chance(40)) list[std::string(def.name)] = attribute(def.type);
    }
    return list;
  }

 private:
  std::mt19937_64 random_;
};

TEST(EveryOp, ComputesOrBlamesTheModel) {
  for (const OpDef* op : all_ops()) {
    Generator generator(static_cast<uint32_t>(std::hash<std::string_view>{}(op->name)));
    for (int run = 0; run < kRunsPerOp; ++run) {
      const std::vector<Tensor> operands = generator.operands(*op);
      const AttributeList attributes = generator.attributes(*op);
      const auto outputs =
          static_cast<size_t>(generator.integer(op->outputs.min, std::min(op->outputs.max, op->outputs.min + 2)));
      try {
        run_op(op->name, operands, attributes, outputs, op->domain);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kModel) << op->name << ": " << error.what();
      } catch (const std::bad_alloc&) {
        // More memory than there is: main() says so.
      }
    }
  }
}

}  // namespace
}  // namespace tinyc
