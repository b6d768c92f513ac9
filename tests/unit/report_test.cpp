#include "tinyc/driver/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

Report measured() {
  Report report;
  report.bytes_after = 1000;
  report.top1_float = 92.0;
  report.top1 = 91.25;
  OutputReport good{"good", {}};
  good.error.signal = 1000;
  good.error.noise = 1;
  OutputReport bad{"bad", {}};
  bad.error.signal = 100;
  bad.error.noise = 1;
  report.outputs = {good, bad};
  return report;
}

TEST(Gates, JudgeTheWorstOutputTheDropAndTheBytes) {
  Report report = measured();
  judge({.max_drop = 0.75, .max_bytes = 1000, .min_sqnr = 20.0}, report);
  ASSERT_EQ(report.gates.size(), 3U);
  for (const GateReport& gate : report.gates) EXPECT_TRUE(gate.passed) << gate.gate;
  EXPECT_NO_THROW(require_gates(report));
}

TEST(Gates, NameEveryFailure) {
  Report report = measured();
  judge({.max_drop = 0.5, .max_bytes = 999, .min_sqnr = 20.0}, report);
  try {
    require_gates(report);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kGate);
    EXPECT_THAT(error.message(), testing::HasSubstr("max_drop is 0.5, the result has 0.75"));
    EXPECT_THAT(error.message(), testing::HasSubstr("max_bytes is 999, the result has 1000"));
    EXPECT_THAT(error.message(), testing::Not(testing::HasSubstr("min_sqnr")));
  }
}

TEST(Gates, NeedLabelsForADrop) {
  Report report = measured();
  report.top1.reset();
  try {
    judge({.max_drop = 0.5}, report);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.message(), testing::HasSubstr("labels"));
  }
}

TEST(Report, JsonHasTheContractsKeys) {
  Report report = measured();
  LayerReport layer;
  layer.name = "conv1";
  layer.error = report.outputs[0].error;
  report.layers.push_back(layer);
  const auto json = to_json(report);
  EXPECT_DOUBLE_EQ(json["outputs"][1]["sqnr_db"].get<double>(), 20.0);
  EXPECT_DOUBLE_EQ(json["layers"][0]["sqnr_db"].get<double>(), 30.0);
  EXPECT_EQ(json["bytes_after"], 1000);
  EXPECT_DOUBLE_EQ(json["top1"].get<double>(), 91.25);
  EXPECT_FALSE(json.contains("top1_agreement"));
}

TEST(Report, KnowsItsOwnMemory) {
  EXPECT_GT(peak_memory_bytes(), 1 << 20);
}

}  // namespace
}  // namespace tinyc
