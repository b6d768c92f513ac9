#include "ops/window.h"

#include <gtest/gtest.h>

namespace tinyc {
namespace {

Node pool_node(AttributeList attributes) {
  Node node;
  node.op = find_op("", "MaxPool");
  node.attributes = std::move(attributes);
  return node;
}

WindowAxis axis_of(AttributeList attributes, int64_t kernel, int64_t in) {
  const Node node = pool_node(std::move(attributes));
  return read_window(node, Dims{kernel}).axis(0, in);
}

std::string message_of(AttributeList attributes, int64_t kernel, int64_t in) {
  try {
    axis_of(std::move(attributes), kernel, in);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    return error.message();
  }
  return {};
}

TEST(Window, CountsOutputs) {
  EXPECT_EQ(axis_of({}, 3, 10).out, 8);
  EXPECT_EQ(axis_of({{"strides", Dims{2}}, {"pads", Dims{1, 1}}}, 3, 10).out, 5);
  EXPECT_EQ(axis_of({{"dilations", Dims{3}}}, 3, 10).out, 4);
}

TEST(Window, CeilModeKeepsNoWindowThatStartsInThePaddingAtTheEnd) {
  EXPECT_EQ(axis_of({{"strides", Dims{2}}, {"ceil_mode", int64_t{1}}}, 3, 10).out, 5);
  EXPECT_EQ(axis_of({{"strides", Dims{2}}, {"ceil_mode", int64_t{1}}, {"pads", Dims{0, 1}}}, 1, 2).out, 1);
}

TEST(Window, SamePaddingIsOddOnTheSideItSays) {
  const WindowAxis upper = axis_of({{"auto_pad", std::string("SAME_UPPER")}, {"strides", Dims{2}}}, 3, 8);
  EXPECT_EQ(upper.out, 4);
  EXPECT_EQ(upper.pad_begin, 0);
  EXPECT_EQ(upper.pad_end, 1);
  const WindowAxis lower = axis_of({{"auto_pad", std::string("SAME_LOWER")}, {"strides", Dims{2}}}, 3, 8);
  EXPECT_EQ(lower.pad_begin, 1);
  EXPECT_EQ(lower.pad_end, 0);
}

TEST(Window, RefusesWhatDoesNotFit) {
  EXPECT_EQ(message_of({}, 5, 4), "a window of 5 does not fit in 4 elements padded by 0 and 0");
  EXPECT_EQ(message_of({{"strides", Dims{0}}}, 3, 8), "attribute 'strides' holds 0, which is out of range");
  EXPECT_EQ(message_of({{"pads", Dims{-1, 0}}}, 3, 8), "attribute 'pads' holds -1, which is out of range");
  EXPECT_EQ(message_of({{"strides", Dims{1, 1}}}, 3, 8), "attribute 'strides' has 2 elements, expected 1");
  EXPECT_EQ(message_of({{"dilations", Dims{int64_t{1} << 62}}}, 3, 8),
            "attribute 'dilations' holds 4611686018427387904, which is out of range");
  EXPECT_EQ(message_of({{"auto_pad", std::string("SAME")}}, 3, 8), "attribute 'auto_pad' is 'SAME'");
}

}  // namespace
}  // namespace tinyc
