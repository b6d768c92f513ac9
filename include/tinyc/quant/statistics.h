// What calibration found: per value a histogram and the ranges of the last samples. Written as JSON (`tinyc calibrate
// -o`), exact to the bit, so that statistics of two halves of the data, merged, are the bytes of the undivided run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "tinyc/base/hash.h"
#include "tinyc/quant/observer.h"

namespace tinyc {

struct Statistics {
  std::string model;            // hash of the model file; statistics of different models do not merge
  std::string preprocess = {};  // what was done to the data, see quant/preprocess.h
  bool synthetic = false;       // from generated inputs: accuracy is unverified
  uint64_t samples = 0;
  Digest data = {};  // sum of the samples' hashes: names the bag of samples, in any order
  std::map<std::string, ValueStatistics, std::less<>> values = {};  // by value name

  const ValueStatistics* find(std::string_view value) const;  // null when the value was not observed
  friend bool operator==(const Statistics&, const Statistics&) = default;
};

// As if the samples of `second` had followed those of `first`. Throws Error(kUsage) when they are of different models,
// preprocessing or sets of values.
Statistics merge(const Statistics& first, const Statistics& second);

std::string to_json(const Statistics& statistics);
// The same text, handed out value by value: as a whole it may be larger than all else in memory.
void write_json(const Statistics& statistics, const std::function<void(std::string_view)>& write);
// Throws Error(kUsage) naming the key that is missing or wrong.
Statistics statistics_from_json(std::string_view text);
// The same to a file, all or nothing, and from a file; every Error names it.
void write_statistics(const std::filesystem::path& path, const Statistics& statistics);
Statistics read_statistics(const std::filesystem::path& path);

}  // namespace tinyc
