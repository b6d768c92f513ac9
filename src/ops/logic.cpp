// And, Or, Xor, Not on truth values; BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot and BitShift on integers.
// Elementwise with broadcasting.
#include "ops/common_infer.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

constexpr QuantTraits kNoNumbers{.kind = QuantKind::kFloat, .why_float = "it computes with bits, not with numbers"};

using UnsignedTypes = TypeList<uint8_t, uint16_t, uint32_t, uint64_t>;

template <auto kFunction, typename Types>
constexpr OpDef binary(std::string_view name) {
  return {.name = name,
          .inputs = {2, 2},
          .infer = infer_broadcast,
          .eval = eval_binary<kFunction, Types>,
          .quant = kNoNumbers};
}

// Shifting by the width of the type or more leaves nothing.
template <typename T>
T shifted_left(T a, T b) {
  return b >= sizeof(T) * 8 ? T{0} : static_cast<T>(static_cast<uint64_t>(a) << b);
}

template <typename T>
T shifted_right(T a, T b) {
  return b >= sizeof(T) * 8 ? T{0} : static_cast<T>(static_cast<uint64_t>(a) >> b);
}

bool shifts_left(const Node& node) {
  const std::string_view direction = string_attr(node, "direction");
  if (direction == "LEFT" || direction == "RIGHT") return direction == "LEFT";
  throw Error(ErrorKind::kModel, "attribute 'direction' is '" + std::string(direction) + "', expected LEFT or RIGHT");
}

void infer_shift(InferContext& context) {
  static_cast<void>(shifts_left(context.node()));
  infer_broadcast(context);
}

void eval_shift(EvalContext& context) {
  if (shifts_left(context.node()))
    return eval_binary<[](auto a, auto b) { return shifted_left(a, b); }, UnsignedTypes>(context);
  eval_binary<[](auto a, auto b) { return shifted_right(a, b); }, UnsignedTypes>(context);
}

constexpr AttributeDef kShiftAttributes[] = {{"direction", ""}};

}  // namespace

extern const OpDef k_and = binary<[](bool a, bool b) { return a && b; }, BoolType>("And");
extern const OpDef k_or = binary<[](bool a, bool b) { return a || b; }, BoolType>("Or");
extern const OpDef k_xor = binary<[](bool a, bool b) { return a != b; }, BoolType>("Xor");

extern const OpDef k_not{
    .name = "Not", .infer = infer_same, .eval = eval_unary<[](bool x) { return !x; }, BoolType>, .quant = kNoNumbers};

extern const OpDef k_bitwise_and =
    binary<[](auto a, auto b) { return static_cast<decltype(a)>(a & b); }, IntegerTypes>("BitwiseAnd");
extern const OpDef k_bitwise_or =
    binary<[](auto a, auto b) { return static_cast<decltype(a)>(a | b); }, IntegerTypes>("BitwiseOr");
extern const OpDef k_bitwise_xor =
    binary<[](auto a, auto b) { return static_cast<decltype(a)>(a ^ b); }, IntegerTypes>("BitwiseXor");

extern const OpDef k_bitwise_not{.name = "BitwiseNot",
                                 .infer = infer_same,
                                 .eval = eval_unary<[](auto x) { return static_cast<decltype(x)>(~x); }, IntegerTypes>,
                                 .quant = kNoNumbers};

extern const OpDef k_bit_shift{.name = "BitShift",
                               .inputs = {2, 2},
                               .attributes = kShiftAttributes,
                               .infer = infer_shift,
                               .eval = eval_shift,
                               .quant = kNoNumbers};

}  // namespace tinyc
