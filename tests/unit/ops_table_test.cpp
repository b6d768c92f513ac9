// Properties of every entry of the op table.
#include <gtest/gtest.h>

#include <set>

#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

TEST(OpTable, EntriesAreCompleteAndNamedOnce) {
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const OpDef* op : all_ops()) {
    EXPECT_TRUE(names.insert({op->domain, op->name}).second) << op->name;
    EXPECT_NE(op->infer, nullptr) << op->name;
    EXPECT_NE(op->eval, nullptr) << op->name;
    EXPECT_LE(op->inputs.min, op->inputs.max) << op->name;
    EXPECT_EQ(find_op(op->domain, op->name), op);
  }
}

TEST(OpTable, QuantizationTraitsAreConsistent) {
  for (const OpDef* op : all_ops()) {
    const QuantTraits& quant = op->quant;
    if (quant.kind == QuantKind::kFloat) {
      EXPECT_FALSE(quant.why_float.empty()) << op->name << " stays in float, why?";
    }
    if (quant.kind != QuantKind::kFloat) {
      EXPECT_TRUE(quant.why_float.empty()) << op->name;
    }
    if (quant.kind == QuantKind::kFixedRange) {
      EXPECT_LT(quant.low, quant.high) << op->name;
    }
    for (const int8_t weight : quant.weights) EXPECT_LT(weight, op->inputs.max) << op->name;
    EXPECT_LT(quant.bias, op->inputs.max) << op->name;
  }
}

TEST(OpTable, AttributesAreNamedOnce) {
  for (const OpDef* op : all_ops()) {
    std::set<std::string_view> names;
    for (const AttributeDef& attribute : op->attributes) {
      EXPECT_TRUE(names.insert(attribute.name).second) << op->name << " " << attribute.name;
    }
  }
}

}  // namespace
}  // namespace tinyc
