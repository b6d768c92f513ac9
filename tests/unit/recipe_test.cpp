#include "tinyc/driver/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"
#include "tinyc/driver/presets.h"

namespace tinyc {
namespace {

std::string complaint(const std::string& text) {
  try {
    parse_recipe(text, "r.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return std::string(error.what()) + " | " + error.hint();
  }
  return "none";
}

std::string random_word(Rng& rng) {
  constexpr std::string_view kLetters = "abcXYZ019-_ .:/\\\"'\n\t=[]{}#";
  std::string word;
  for (uint64_t i = rng.below(8); i > 0; --i) word += kLetters[rng.below(kLetters.size())];
  return word + "x";
}

OptionValue random_like(const OptionValue& like, Rng& rng) {
  if (std::holds_alternative<bool>(like)) return rng.below(2) == 0;
  if (std::holds_alternative<int64_t>(like)) return static_cast<int64_t>(rng.next());
  if (std::holds_alternative<double>(like)) return rng.normal() * 1e3;
  return random_word(rng);
}

Recipe random_recipe(Rng& rng) {
  Recipe recipe = make_recipe(static_cast<int>(rng.below(4)));
  apply(all_presets()[rng.below(all_presets().size())], recipe);
  recipe.seed = static_cast<int64_t>(rng.next());
  recipe.quantization.weight_bits = static_cast<int>(1 + rng.below(8));
  recipe.quantization.ternary = rng.below(2) == 0;
  recipe.quantization.weight_block = static_cast<int>(16 * rng.below(17));
  recipe.quantization.power_of_two_scales = rng.below(2) == 0;
  for (uint64_t i = rng.below(3); i > 0; --i) {
    recipe.quantization.layer_bits[random_word(rng)] = static_cast<int>(1 + rng.below(8));
  }
  recipe.quantization.per_channel = rng.below(2) == 0;
  recipe.quantization.symmetric_activations = rng.below(2) == 0;
  for (uint64_t i = rng.below(3); i > 0; --i) recipe.quantization.skip.push_back(random_word(rng));
  for (uint64_t i = rng.below(3); i > 0; --i) recipe.model.dims[random_word(rng)] = static_cast<int64_t>(rng.below(99));
  for (uint64_t i = rng.below(3); i > 0; --i) recipe.model.fixed[random_word(rng)] = random_word(rng);
  if (rng.below(2) == 0) recipe.gates.max_drop = rng.uniform(0, 100);
  if (rng.below(2) == 0) recipe.gates.max_bytes = static_cast<int64_t>(1 + rng.below(1000000));
  if (rng.below(2) == 0) recipe.gates.min_sqnr = rng.normal() * 10;
  recipe.data.calibration = random_word(rng);
  recipe.data.max_samples = static_cast<int64_t>(rng.below(1000));
  recipe.data.preprocess.nhwc = rng.below(2) == 0;
  recipe.data.preprocess.scale = rng.normal();
  for (uint64_t i = rng.below(4); i > 0; --i) recipe.data.preprocess.mean.push_back(rng.normal());
  if (rng.below(2) == 0) recipe.data.preprocess.crop = {224, static_cast<int64_t>(1 + rng.below(500))};
  for (const PassDef* pass : all_passes()) {
    for (const OptionInfo& option : pass->options()) {
      if (rng.below(2) == 0) continue;
      recipe.pass_options[std::string(pass->name)][std::string(option.name)] = random_like(option.default_value, rng);
    }
  }
  return recipe;
}

TEST(Recipe, PrintedAndReadIsTheSame) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    const Recipe recipe = random_recipe(rng);
    const std::string text = print_recipe(recipe);
    const Recipe again = parse_recipe(text, "printed");
    EXPECT_EQ(print_recipe(again), text);
    EXPECT_EQ(again.model.fixed, recipe.model.fixed);
    EXPECT_EQ(again.gates.max_drop, recipe.gates.max_drop);
    EXPECT_EQ(again.data.preprocess, recipe.data.preprocess);
    EXPECT_EQ(again.data.calibration, recipe.data.calibration);
    EXPECT_EQ(again.quantization.skip, recipe.quantization.skip);
    EXPECT_EQ(again.quantization.layer_bits, recipe.quantization.layer_bits);
    EXPECT_EQ(again.passes, recipe.passes);
    EXPECT_EQ(again.pass_options, recipe.pass_options);
    seen.insert(recipe_hash(recipe));
  }
  EXPECT_EQ(seen.size(), 300U);
}

TEST(Recipe, SetsWhatItSays) {
  const Recipe recipe = parse_recipe(
      "seed = 7\n[quantization]\nweight_bits = 4\nactivations = 'int16'\nskip = ['a', 'b']\n"
      "[passes]\nrewrite = ['fold-batchnorm']\n[gates]\nmax_drop = 1\n[model.dims]\nN = 8\n",
      "r.toml");
  EXPECT_EQ(recipe.seed, 7);
  EXPECT_EQ(recipe.quantization.weight_bits, 4);
  EXPECT_EQ(recipe.quantization.activations, DataType::kInt16);
  EXPECT_EQ(recipe.quantization.skip, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(recipe[Stage::kRewrite], std::vector<std::string>{"fold-batchnorm"});
  EXPECT_EQ(recipe.gates.max_drop, 1.0);
  EXPECT_EQ(recipe.model.dims.at("N"), 8);
}

TEST(Recipe, ComplainsWithLineColumnAndHint) {
  EXPECT_EQ(complaint("\n[quantization]\nweigth_bits = 8\n"),
            "r.toml:3:1: unknown key 'weigth_bits' in [quantization] | did you mean 'weight_bits'?");
  EXPECT_EQ(complaint("[quantisation]\n"), "r.toml:1:2: unknown key 'quantisation' | did you mean 'quantization'?");
  EXPECT_EQ(complaint("[quantization]\nweight_bits = 'x'\n"), "r.toml:2:15: weight_bits: must be an integer | ");
  EXPECT_EQ(complaint("[quantization]\nweight_bits = 9\n"), "r.toml:2:15: weight_bits must be from 1 to 8, not 9 | ");
  EXPECT_EQ(complaint("[quantization]\nweight_block = 20\n"),
            "r.toml:2:16: weight_block must be 0 or a multiple of 16 up to 256, not 20 | ");
  EXPECT_EQ(complaint("[quantization]\nlayer_bits = { conv1 = 9 }\n"),
            "r.toml:2:14: layer_bits of 'conv1' must be from 1 to 8, not 9 | ");
  EXPECT_EQ(complaint("[passes]\nrewrite = ['fold-batchnrom']\n"),
            "r.toml:2:11: pass 'fold-batchnrom' is not known | did you mean 'fold-batchnorm'?");
  EXPECT_THAT(complaint("[passes]\nrewrite = ['fold-constants']\n"),
              testing::StartsWith("r.toml:2:11: pass 'fold-constants' belongs to stage normalize"));
  EXPECT_EQ(complaint("[pass.fold-batchnrom]\nx = 1\n"),
            "r.toml:1:7: unknown pass 'fold-batchnrom' | did you mean 'fold-batchnorm'?");
  EXPECT_THAT(complaint("[pass.fold-batchnorm]\nnonsense = 1\n"),
              testing::StartsWith("r.toml:2:1: pass 'fold-batchnorm': unknown option 'nonsense'"));
  EXPECT_EQ(complaint("emit = 'onxn'\n"), "r.toml:1:8: emitter 'onxn' is not known | did you mean 'onnx'?");
  EXPECT_THAT(complaint("a = = 1\n"), testing::StartsWith("r.toml:1:5: not valid TOML: "));
}

TEST(Recipe, EveryLevelRuns) {
  for (int level = 0; level <= 3; ++level) {
    const Recipe recipe = make_recipe(level);
    EXPECT_NO_THROW(check_recipe(recipe)) << level;
    for (const Stage stage : kStages) EXPECT_EQ(stage_steps(recipe, stage).size(), recipe[stage].size());
  }
  EXPECT_THROW(make_recipe(4), Error);
}

TEST(Recipe, KeysAreUniqueAndExplained) {
  std::set<std::string> keys;
  for (const RecipeKeyInfo& info : list_recipe_keys()) {
    EXPECT_TRUE(keys.insert(info.key).second) << info.key;
    EXPECT_FALSE(info.help.empty()) << info.key;
  }
}

TEST(Recipe, ShareThatIsPrunedIsSetWhateverTheUnit) {
  Recipe recipe;
  recipe.pass_options["prune"]["amount"] = "vectors:4:0.5";
  set_pruned_share(recipe, "prune", 0.25);
  EXPECT_EQ(std::get<std::string>(recipe.pass_options["prune"]["amount"]), "vectors:4:0.2500");
  recipe.pass_options["prune"]["amount"] = "0.5";
  set_pruned_share(recipe, "prune", 0.75);
  EXPECT_EQ(std::get<std::string>(recipe.pass_options["prune"]["amount"]), "0.7500");
  set_pruned_share(recipe, "prune-channels", 0.3);
  EXPECT_EQ(std::get<double>(recipe.pass_options["prune-channels"]["share"]), 0.3);
}

TEST(Recipe, AShareIsChosenForAGoalOnly) {
  Recipe recipe;
  recipe[Stage::kPrune] = {"prune"};
  recipe.fit.prune = "prune";
  EXPECT_THROW(check_recipe(recipe), Error);
  recipe.fit.bytes = 1000;
  recipe.data.calibration = "data.npz";
  EXPECT_NO_THROW(check_recipe(recipe));
  recipe.fit.prune = "prune-channels";
  EXPECT_THROW(check_recipe(recipe), Error);
}

}  // namespace
}  // namespace tinyc
