// What a model needs from raw data, declared once: the [data] table of a recipe, or the flags of the same names.
//
//   layout   "nchw" (default) or "nhwc": samples come as height, width, channels and are turned into the model's order
//   resize   "HxW", or one number: the shorter side, keeping proportions; triangle filter, widened when it shrinks
//   crop     "HxW" or one number for both: the middle of the (resized) image
//   scale    raw values are multiplied by this first; "1/255" or a number
//   mean     subtracted next, and
//   std      divided by last: one number, or one per channel, separated by commas or blanks
//   input    the input that all this applies to; the model's first when empty
//
// So y = (x * scale - mean) / std, computed in double and rounded once to the model's type. Channels are the third axis
// from behind of samples with three or more axes, and the last axis of others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinyc {

struct Preprocess {
  bool nhwc = false;
  std::vector<int64_t> resize;  // empty, {shorter side}, or {height, width}
  std::vector<int64_t> crop;    // empty or {height, width}
  double scale = 1.0;
  std::vector<double> mean;  // empty, one, or one per channel
  std::vector<double> std;
  std::string input;
  friend bool operator==(const Preprocess&, const Preprocess&) = default;
};

// Sets one of the keys above. Throws Error(kUsage) for an unknown key, with a spelling hint, and for a wrong value.
void set_preprocess(Preprocess& preprocess, std::string_view key, std::string_view value);
// The keys that differ from the default, as set_preprocess reads them; exact for every double.
std::vector<std::pair<std::string, std::string>> to_pairs(const Preprocess& preprocess);
// "layout=nhwc scale=0.00392156862745098", empty for the default.
std::string to_string(const Preprocess& preprocess);

}  // namespace tinyc
