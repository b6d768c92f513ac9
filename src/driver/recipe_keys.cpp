#include "driver/recipe_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "driver/recipe_checks.h"
#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/targets.h"
#include "tinyc/quant/observer.h"

namespace tinyc {
namespace {

[[noreturn]] void fail_type(std::string_view wanted) {
  throw Error(ErrorKind::kUsage, "must be " + std::string(wanted));
}

// Reading: one function per type.

void read_value(const toml::node& node, bool& out) {
  const auto* value = node.as_boolean();
  if (value == nullptr) fail_type("true or false");
  out = value->get();
}

void read_value(const toml::node& node, int64_t& out) {
  const auto* value = node.as_integer();
  if (value == nullptr) fail_type("an integer");
  out = value->get();
}

void read_value(const toml::node& node, int& out) {
  int64_t wide = 0;
  read_value(node, wide);
  if (wide < INT32_MIN || wide > INT32_MAX) fail_type("a 32-bit integer");
  out = static_cast<int>(wide);
}

void read_value(const toml::node& node, double& out) {
  const auto value = node.value<double>();
  if (!node.is_number() || !value || !std::isfinite(*value)) fail_type("a finite number");
  out = *value;
}

void read_value(const toml::node& node, std::string& out) {
  const auto* value = node.as_string();
  if (value == nullptr) fail_type("a string");
  out = value->get();
}

void read_value(const toml::node& node, DataType& out) {
  constexpr std::array kTypes = {DataType::kInt8, DataType::kUint8, DataType::kInt16};
  std::string name;
  read_value(node, name);
  std::vector<std::string_view> known;
  for (const DataType type : kTypes) {
    known.push_back(name_of(type));
    if (name != known.back()) continue;
    out = type;
    return;
  }
  throw Error(ErrorKind::kUsage, "'" + name + "' is not a type that activations can have", spelling_hint(name, known));
}

template <typename T>
void read_value(const toml::node& node, std::optional<T>& out) {
  T value{};
  read_value(node, value);
  out = value;
}

template <typename T>
void read_value(const toml::node& node, std::vector<T>& out) {
  const auto* array = node.as_array();
  if (array == nullptr) fail_type("an array");
  out.clear();
  for (const toml::node& element : *array) read_value(element, out.emplace_back());
}

template <typename T>
void read_value(const toml::node& node, std::map<std::string, T, std::less<>>& out) {
  const auto* table = node.as_table();
  if (table == nullptr) fail_type("a table");
  out.clear();
  for (const auto& [name, element] : *table) read_value(element, out[std::string(name.str())]);
}

// Writing: the other way.

std::string write_value(bool value) {
  return value ? "true" : "false";
}

std::string write_value(int64_t value) {
  return std::to_string(value);
}

std::string write_value(int value) {
  return std::to_string(value);
}

std::string write_value(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string write_value(const std::string& value) {
  return write_toml(value);
}

std::string write_value(DataType value) {
  return write_toml(std::string(name_of(value)));
}

template <typename T>
std::string write_value(const std::optional<T>& value) {
  return value ? write_value(*value) : "";
}

template <typename T>
std::string write_value(const std::vector<T>& values) {
  std::vector<std::string> parts;
  for (const T& value : values) parts.push_back(write_value(value));
  return "[" + join(parts, ", ") + "]";
}

template <typename T>
std::string write_value(const std::map<std::string, T, std::less<>>& values) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : values) parts.push_back(write_toml_key(name) + " = " + write_value(value));
  return parts.empty() ? "{}" : "{ " + join(parts, ", ") + " }";
}

// Strings, numbers and arrays of them as words that set_preprocess() splits.
std::string read_words(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* array = node.as_array()) {
    std::vector<std::string> words;
    for (const toml::node& element : *array) words.push_back(read_words(element));
    return join(words, ",");
  }
  const auto number = node.value<double>();
  if (!node.is_number() || !number) fail_type("a string, a number or an array of numbers");
  return node.is_integer() ? write_value(node.as_integer()->get()) : write_value(*number);
}

// The key of a member, given the way to it: key<&Recipe::gates, &Gates::max_bytes>("gates", "max_bytes", ...).
template <auto... kPath>
constexpr RecipeKey key(std::string_view table, std::string_view name, std::string_view help,
                        void (*check)(const Recipe&) = nullptr) {
  return {table,
          name,
          help,
          [](Recipe& recipe, const toml::node& node) { read_value(node, (recipe.*....*kPath)); },
          [](const Recipe& recipe) { return write_value((recipe.*....*kPath)); },
          check};
}

// The names of the keys that quant/preprocess.h reads and writes as text.
constexpr char kLayout[] = "layout";
constexpr char kResize[] = "resize";
constexpr char kCrop[] = "crop";
constexpr char kScale[] = "scale";
constexpr char kMean[] = "mean";
constexpr char kStd[] = "std";
constexpr char kInput[] = "input";

// A key of Preprocess: a string, a number, or an array of numbers.
template <const auto& kName>
constexpr RecipeKey preprocess_key(std::string_view help) {
  return {
      "data", kName, help,
      [](Recipe& recipe, const toml::node& node) { set_preprocess(recipe.data.preprocess, kName, read_words(node)); },
      [](const Recipe& recipe) {
        for (const auto& [name, value] : to_pairs(recipe.data.preprocess)) {
          if (name == kName) return write_toml(value);
        }
        return std::string();
      }};
}

template <Stage kStage>
constexpr RecipeKey pass_key(std::string_view stage, std::string_view help) {
  constexpr auto kCheck = [](const Recipe& recipe) {
    for (const std::string& name : recipe[kStage]) {
      const PassDef* pass = find_pass(name);
      if (pass != nullptr && pass->stage == kStage) continue;
      std::vector<std::string_view> known;
      for (const PassDef* def : all_passes()) {
        if (def->stage == kStage) known.push_back(def->name);
      }
      const std::string why =
          pass == nullptr ? "is not known" : "belongs to stage " + std::string(name_of(pass->stage));
      throw Error(ErrorKind::kUsage, "pass '" + name + "' " + why, spelling_hint(name, known));
    }
  };
  return {"passes",
          stage,
          help,
          [](Recipe& recipe, const toml::node& node) { read_value(node, recipe[kStage]); },
          [](const Recipe& recipe) { return write_value(recipe[kStage]); },
          kCheck};
}

using Q = QuantizationSettings;

constexpr RecipeKey kKeys[] = {
    key<&Recipe::emit>("", "emit", "form of the result; see `tinyc list emitters`", check_emit),
    key<&Recipe::target>("", "target", "core that memory and time of C are predicted for; see `tinyc list targets`",
                         check_target),
    key<&Recipe::weight_coder>(
        "", "weight_coder", "C: coder of weights where that is smaller: none, smallest, fast; see `tinyc list coders`",
        check_weight_coder),
    key<&Recipe::onnx_weights>("", "onnx_weights",
                               "ONNX: plain integers, or gather: packed indices into few values, where that is smaller",
                               check_onnx_weights),
    key<&Recipe::seed>("", "seed", "start of all random numbers"),
    key<&Recipe::model, &ImportOptions::dims>("model", "dims", "sizes of open dimensions, by symbol or \"input:axis\""),
    key<&Recipe::model, &ImportOptions::fixed>("model", "fix", "inputs that become constants, with their values"),
    key<&Recipe::data, &DataSettings::calibration>("data", "calib", "path of the calibration data"),
    key<&Recipe::data, &DataSettings::evaluation>("data", "eval",
                                                  "path of the data that the result is judged by; empty: calib"),
    key<&Recipe::data, &DataSettings::max_samples>("data", "max_samples", "samples used for calibration; 0: all",
                                                   check_max_samples),
    preprocess_key<kLayout>("\"nchw\" or \"nhwc\": order of the axes of raw samples"),
    preprocess_key<kResize>("\"HxW\", or the length of the shorter side"),
    preprocess_key<kCrop>("\"HxW\", or one length for both: the middle of the image"),
    preprocess_key<kScale>("raw values are multiplied by this first: \"1/255\" or a number"),
    preprocess_key<kMean>("subtracted next: one number, or one per channel"),
    preprocess_key<kStd>("divided by last: one number, or one per channel"),
    preprocess_key<kInput>("the input that layout to std apply to; empty: the first"),
    key<&Recipe::quantization, &Q::weight_bits>("quantization", "weight_bits", "bits of a weight, 1 to 8",
                                                check_weight_bits),
    key<&Recipe::quantization, &Q::ternary>("quantization", "ternary", "weights of 2 bits are -1, 0 and 1 only"),
    key<&Recipe::quantization, &Q::weight_block>("quantization", "weight_block",
                                                 "a scale for so many inputs of a channel, 16 to 256; 0: for all",
                                                 check_weight_block),
    key<&Recipe::quantization, &Q::layer_bits>("quantization", "layer_bits", "weight bits of single nodes, by name",
                                               check_layer_bits),
    key<&Recipe::quantization, &Q::weight_noise>(
        "quantization", "weight_noise",
        "above 0: weights are rounded to be entropy coded, with about so much noise in the outputs per power of them",
        check_weight_noise),
    key<&Recipe::quantization, &Q::codebook_bits>(
        "quantization", "codebook_bits",
        "1 to 8: weights of a layer take at most 2^codebook_bits different values; 0: any", check_codebook_bits),
    key<&Recipe::quantization, &Q::codebook_vector>(
        "quantization", "codebook_vector",
        "neighbours among the inputs that an index of codebook_bits stands for together, 1 to 64; 0: a kernel",
        check_codebook_vector),
    key<&Recipe::quantization, &Q::codebook_groups>(
        "quantization", "codebook_groups", "groups of a layer's channels with a codebook each", check_codebook_groups),
    key<&Recipe::quantization, &Q::power_of_two_scales>("quantization", "power_of_two_scales",
                                                        "scales of weights and activations are powers of two"),
    key<&Recipe::quantization, &Q::activations>("quantization", "activations", "int8, uint8 or int16"),
    key<&Recipe::quantization, &Q::per_channel>("quantization", "per_channel",
                                                "one weight scale per output channel, not per tensor"),
    key<&Recipe::quantization, &Q::symmetric_activations>("quantization", "symmetric_activations",
                                                          "ranges of activations are [-r, r]"),
    key<&Recipe::quantization, &Q::observer>(
        "quantization", "observer", "chooses ranges of activations; see `tinyc list observers`", check_observer),
    key<&Recipe::quantization, &Q::weight_observer>("quantization", "weight_observer", "chooses ranges of weights",
                                                    check_weight_observer),
    key<&Recipe::quantization, &Q::skip>("quantization", "skip", "names of nodes that stay in float"),
    pass_key<Stage::kNormalize>("normalize", "passes that bring the model to its plain form"),
    pass_key<Stage::kRewrite>("rewrite", "passes on float weights, before calibration"),
    pass_key<Stage::kPrune>("prune", "passes that take weights and channels away, after calibration"),
    pass_key<Stage::kAnnotate>("annotate", "passes that choose scales and zero points"),
    pass_key<Stage::kRepair>("repair", "passes that win back accuracy"),
    pass_key<Stage::kPack>("pack", "passes that turn weights into integers"),
    key<&Recipe::fit, &FitGoal::bytes>("fit", "bytes", "goal: bytes of the result; bits are chosen per layer",
                                       check_fit),
    key<&Recipe::fit, &FitGoal::ram>("fit", "ram", "goal: bytes of the arena of emitted C"),
    key<&Recipe::fit, &FitGoal::drop>("fit", "drop", "goal: points of top-1 (percent) that may be lost against float"),
    key<&Recipe::fit, &FitGoal::prune>("fit", "prune", "the pass of stage prune whose share is chosen for the goal",
                                       check_fit_prune),
    key<&Recipe::gates, &Gates::max_drop>("gates", "max_drop",
                                          "points of top-1 (percent) that may be lost against float", check_max_drop),
    key<&Recipe::gates, &Gates::max_bytes>("gates", "max_bytes", "most bytes that the written model may have",
                                           check_max_bytes),
    key<&Recipe::gates, &Gates::min_sqnr>("gates", "min_sqnr", "least signal to noise ratio of an output, in dB"),
    key<&Recipe::gates, &Gates::max_ram>("gates", "max_ram", "C: most bytes of the arena", check_max_ram),
    key<&Recipe::gates, &Gates::max_flash>(
        "gates", "max_flash", "C: most bytes of constants and of code, as predicted for the target", check_max_flash),
};

}  // namespace

std::span<const RecipeKey> recipe_keys() {
  return kKeys;
}

std::string write_toml(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      text += std::string("\\") + c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      text += fmt::format("\\u{:04X}", static_cast<int>(c));
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string write_toml(const OptionValue& value) {
  return std::visit([](const auto& alternative) { return write_value(alternative); }, value);
}

std::string write_toml_key(const std::string& key) {
  constexpr std::string_view kBare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  return !key.empty() && key.find_first_not_of(kBare) == std::string::npos ? key : write_toml(key);
}

OptionValue read_option(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_string()) return value->get();
  fail_type("true or false, a number or a string");
}

}  // namespace tinyc
