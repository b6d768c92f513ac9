#include "tinyc/driver/targets.h"

#include <gtest/gtest.h>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

TEST(Targets, AreFoundByName) {
  EXPECT_EQ(require_target(kDefaultTarget).name, "cortex-m4");
  EXPECT_THROW(require_target("cortex-m5"), Error);
  EXPECT_EQ(all_targets().size(), 7U);
}

TEST(Targets, HeaviestLayersAreNamedInOrder) {
  DeviceCost cost;
  for (int64_t bytes : {5, 40, 0, 7, 6}) {
    LayerCost& layer = cost.layers.emplace_back();
    layer.layer = "l" + std::to_string(bytes);
    layer.ram_bytes = bytes;
  }
  EXPECT_EQ(heaviest_layers(cost, &LayerCost::ram_bytes), "'l40' (40), 'l7' (7), 'l6' (6)");
  EXPECT_EQ(heaviest_layers(cost, &LayerCost::constant_bytes), "");
}

TEST(Targets, AProgramWithoutCallsTakesNoMemory) {
  const DeviceCost cost = predict_cost(DeviceProgram(), Graph(), require_target("rv32imac"));
  EXPECT_EQ(cost.arena_bytes, 0);
  EXPECT_EQ(cost.constant_bytes, 0);
  EXPECT_EQ(cost.instructions, 0);
  EXPECT_LT(cost.flash_bytes(), 100);
}

}  // namespace
}  // namespace tinyc
