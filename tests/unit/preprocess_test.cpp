#include "tinyc/quant/preprocess.h"

#include <gtest/gtest.h>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

TEST(Preprocess, TextRoundTrips) {
  Preprocess preprocess;
  EXPECT_EQ(to_string(preprocess), "");
  set_preprocess(preprocess, "layout", "nhwc");
  set_preprocess(preprocess, "scale", "1/255");
  set_preprocess(preprocess, "mean", "0.485, 0.456 0.406");
  set_preprocess(preprocess, "std", "0.229,0.224,1/3");
  set_preprocess(preprocess, "resize", "256");
  set_preprocess(preprocess, "crop", "224x200");
  set_preprocess(preprocess, "input", "image");
  EXPECT_EQ(preprocess.crop, (std::vector<int64_t>{224, 200}));
  EXPECT_EQ(preprocess.scale, 1.0 / 255);
  Preprocess again;
  for (const auto& [key, value] : to_pairs(preprocess)) set_preprocess(again, key, value);
  EXPECT_EQ(again, preprocess);
  EXPECT_EQ(to_string(again), to_string(preprocess));
}

TEST(Preprocess, WrongValuesAreRefused) {
  Preprocess preprocess;
  for (const auto& [key, value] :
       {std::pair("layout", "hwc"), std::pair("scale", "1/0"), std::pair("scale", "0"), std::pair("scale", "x"),
        std::pair("mean", ""), std::pair("std", "1,0"), std::pair("resize", "0"), std::pair("resize", "1x2x3"),
        std::pair("crop", "-5"), std::pair("crop", "99999999")}) {
    EXPECT_THROW(set_preprocess(preprocess, key, value), Error) << key << " " << value;
  }
  try {
    set_preprocess(preprocess, "layuot", "nhwc");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.hint(), "did you mean 'layout'?");
  }
}

}  // namespace
}  // namespace tinyc
