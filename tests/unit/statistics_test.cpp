#include "tinyc/quant/statistics.h"

#include <gtest/gtest.h>

#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/base/rng.h"
#include "unit/temp_folder.h"

namespace tinyc {
namespace {

struct Sample {
  std::vector<float> values;
};

Statistics observe(const std::vector<Sample>& samples, size_t begin, size_t end) {
  Statistics statistics;
  statistics.model = "m";
  statistics.preprocess = "scale=1/255";
  for (const char* name : {"a", "b \"quoted\" \xC3\xA4"}) {
    ValueStatistics& value = statistics.values[name];
    for (size_t i = begin; i < end; ++i) {
      value.recent.push_back(value.histogram.add(samples[i].values));
      if (value.recent.size() > ValueStatistics::kRecentSamples) value.recent.erase(value.recent.begin());
    }
  }
  for (size_t i = begin; i < end; ++i) {
    statistics.data += hash_bytes(std::as_bytes(std::span(samples[i].values)));
    ++statistics.samples;
  }
  return statistics;
}

std::vector<Sample> draw(size_t count) {
  Rng rng(count);
  std::vector<Sample> samples(count);
  for (Sample& sample : samples) {
    for (int i = 0; i < 20; ++i) sample.values.push_back(static_cast<float>(rng.normal() * rng.uniform(0.001, 30.0)));
  }
  return samples;
}

TEST(Statistics, RoundTripToTheByte) {
  const Statistics statistics = observe(draw(30), 0, 30);
  const std::string json = to_json(statistics);
  const Statistics again = statistics_from_json(json);
  EXPECT_EQ(again, statistics);
  EXPECT_EQ(to_json(again), json);
}

TEST(Statistics, FilesHoldTheSameText) {
  const TempFolder folder;
  const Statistics statistics = observe(draw(5), 0, 5);
  write_statistics(folder / "s.json", statistics);
  EXPECT_EQ(read_file(folder / "s.json", 1 << 20), to_json(statistics));
  EXPECT_EQ(read_statistics(folder / "s.json"), statistics);
}

TEST(Statistics, MergedHalvesAreTheUndividedRun) {
  for (const size_t count : {size_t{40}, size_t{1500}}) {
    const std::vector<Sample> samples = draw(count);
    const std::string whole = to_json(observe(samples, 0, count));
    for (const size_t cut : {size_t{0}, size_t{1}, count / 2, count - 3}) {
      const Statistics first = statistics_from_json(to_json(observe(samples, 0, cut)));
      const Statistics second = statistics_from_json(to_json(observe(samples, cut, count)));
      EXPECT_EQ(to_json(merge(first, second)), whole);
    }
  }
}

TEST(Statistics, RefusesToMixModels) {
  const Statistics first = observe(draw(3), 0, 3);
  Statistics second = first;
  second.model = "other";
  EXPECT_THROW(merge(first, second), Error);
  second = first;
  second.values.erase("a");
  EXPECT_THROW(merge(first, second), Error);
  EXPECT_THROW(merge(second, first), Error);
}

TEST(Statistics, DamagedFilesAreRefused) {
  const std::string json = to_json(observe(draw(3), 0, 3));
  EXPECT_THROW(statistics_from_json(""), Error);
  EXPECT_THROW(statistics_from_json("[]"), Error);
  EXPECT_THROW(statistics_from_json(json.substr(0, json.size() / 2)), Error);
  for (const char* key : {"format", "samples", "data", "counts", "range", "recent", "exponent", "zeros"}) {
    std::string damaged = json;
    damaged.replace(damaged.find("\"" + std::string(key) + "\""), 3, "\"xx");
    EXPECT_THROW(statistics_from_json(damaged), Error) << key;
  }
}

}  // namespace
}  // namespace tinyc
