#include "tinyc/quant/allocation.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace tinyc {
namespace {

std::vector<std::vector<Form>> random_layers(uint32_t seed, size_t layers, size_t forms) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int64_t> bytes(1, 200);
  std::uniform_real_distribution<double> noise(0.0, 1.0);
  std::vector<std::vector<Form>> result(layers);
  for (std::vector<Form>& layer : result) {
    for (size_t i = 0; i < forms; ++i) layer.push_back({bytes(random), noise(random)});
  }
  return result;
}

// The least noise within so many bytes, by trying everything.
double least_noise(const std::vector<std::vector<Form>>& layers, int64_t bytes) {
  double best = std::numeric_limits<double>::infinity();
  std::vector<size_t> forms(layers.size(), 0);
  for (bool done = false; !done;) {
    Form sum;
    for (size_t i = 0; i < layers.size(); ++i) {
      sum.bytes += layers[i][forms[i]].bytes;
      sum.noise += layers[i][forms[i]].noise;
    }
    if (sum.bytes <= bytes) best = std::min(best, sum.noise);
    done = true;
    for (size_t i = 0; i < layers.size() && done; ++i) {
      forms[i] = (forms[i] + 1) % layers[i].size();
      done = forms[i] == 0;
    }
  }
  return best;
}

TEST(Allocation, IsTheBestOfAllForEveryLimit) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const auto layers = random_layers(seed, 5, 4);
    const std::vector<Allocation> frontier = allocate(layers);
    for (int64_t bytes = 5; bytes <= 1000; bytes += 35) {
      const Allocation* best = best_within(frontier, bytes);
      const double least = least_noise(layers, bytes);
      if (best == nullptr) {
        EXPECT_EQ(least, std::numeric_limits<double>::infinity());
        continue;
      }
      EXPECT_LE(best->bytes, bytes);
      EXPECT_NEAR(best->noise, least, 1e-12);
    }
  }
}

TEST(Allocation, SaysWhatItIsTheSumOf) {
  const auto layers = random_layers(7, 30, 3);
  for (const Allocation& allocation : allocate(layers)) {
    Form sum;
    for (size_t i = 0; i < layers.size(); ++i) {
      sum.bytes += layers[i][allocation.forms[i]].bytes;
      sum.noise += layers[i][allocation.forms[i]].noise;
    }
    EXPECT_EQ(sum.bytes, allocation.bytes);
    EXPECT_NEAR(sum.noise, allocation.noise, 1e-9);
  }
}

TEST(Allocation, StaysBoundedAndKeepsTheEnds) {
  std::vector<std::vector<Form>> layers = random_layers(3, 60, 4);
  int64_t smallest = 0;
  double quietest = 0;
  for (std::vector<Form>& forms : layers) {
    for (Form& form : forms) form.bytes *= 1009;
    smallest += std::min_element(forms.begin(), forms.end(), [](auto& a, auto& b) { return a.bytes < b.bytes; })->bytes;
    quietest += std::min_element(forms.begin(), forms.end(), [](auto& a, auto& b) { return a.noise < b.noise; })->noise;
  }
  const std::vector<Allocation> frontier = allocate(layers);
  EXPECT_LE(frontier.size(), kMostStates);
  EXPECT_EQ(frontier.front().bytes, smallest);
  EXPECT_NEAR(frontier.back().noise, quietest, 1e-9);
  EXPECT_EQ(best_within(frontier, smallest - 1), nullptr);
}

}  // namespace
}  // namespace tinyc
