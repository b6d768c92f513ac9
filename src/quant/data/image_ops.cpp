#include "quant/data/image_ops.h"

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <stb_image_resize.h>
#pragma GCC diagnostic pop

namespace tinyc {
namespace {

struct Size {
  int64_t height = 0;
  int64_t width = 0;
  int64_t count() const { return height * width; }
  friend bool operator==(const Size&, const Size&) = default;
};

// A sample seen as `channels` planes.
struct ImageShape {
  int64_t channels = 1;
  Size size;
};

bool touches_pixels(const Preprocess& preprocess, ChannelOrder order) {
  return order != ChannelOrder::kKeep || !preprocess.resize.empty() || !preprocess.crop.empty();
}

ImageShape image_shape(const Dims& dims, ChannelOrder order) {
  const size_t rank = dims.size();
  if (rank < 3 || element_count(std::span(dims).first(rank - 3)) != 1) {
    throw Error(ErrorKind::kUsage, "a sample is " + to_string(std::span(dims)) + ", which is no image",
                "layout, resize and crop are for images: leave them out");
  }
  if (order == ChannelOrder::kKeep) return {dims[rank - 3], {dims[rank - 2], dims[rank - 1]}};
  return {dims[rank - 1], {dims[rank - 3], dims[rank - 2]}};
}

Size resized(Size size, const Preprocess& preprocess) {
  if (preprocess.resize.empty()) return size;
  if (preprocess.resize.size() == 2) return {preprocess.resize[0], preprocess.resize[1]};
  const int64_t side = preprocess.resize[0];
  const int64_t shorter = std::min(size.height, size.width);
  if (shorter == 0) return size;
  const auto scaled = [&](int64_t length) { return (2 * length * side + shorter) / (2 * shorter); };
  return {scaled(size.height), scaled(size.width)};
}

Size cropped(Size size, const Preprocess& preprocess) {
  if (preprocess.crop.empty()) return size;
  const Size crop{preprocess.crop[0], preprocess.crop[1]};
  if (crop.height > size.height || crop.width > size.width) {
    throw Error(ErrorKind::kUsage,
                "an image of " + std::to_string(size.height) + "x" + std::to_string(size.width) +
                    " is smaller than the crop of " + std::to_string(crop.height) + "x" + std::to_string(crop.width),
                "add resize");
  }
  return crop;
}

std::vector<float> to_planes(const std::vector<float>& values, ImageShape shape) {
  std::vector<float> planes(values.size());
  const auto channels = static_cast<size_t>(shape.channels);
  const auto pixels = static_cast<size_t>(shape.size.count());
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < pixels; ++i) planes[c * pixels + i] = values[i * channels + c];
  }
  return planes;
}

std::vector<float> to_pixels(const std::vector<float>& planes, ImageShape shape) {
  return to_planes(planes, {shape.size.count(), {1, shape.channels}});
}

std::vector<float> resize_planes(const std::vector<float>& planes, int64_t channels, Size from, Size to) {
  if (from == to || from.count() == 0) return planes;
  std::vector<float> result(static_cast<size_t>(channels * to.count()));
  for (int64_t c = 0; c < channels; ++c) {
    const int done = stbir_resize_float_generic(
        planes.data() + c * from.count(), static_cast<int>(from.width), static_cast<int>(from.height), 0,
        result.data() + c * to.count(), static_cast<int>(to.width), static_cast<int>(to.height), 0, 1,
        STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE, STBIR_COLORSPACE_LINEAR, nullptr);
    if (done == 0) throw Error(ErrorKind::kUsage, "an image cannot be resized: out of memory");
  }
  return result;
}

std::vector<float> crop_planes(const std::vector<float>& planes, int64_t channels, Size from, Size to) {
  if (from == to) return planes;
  const int64_t top = (from.height - to.height) / 2;
  const int64_t left = (from.width - to.width) / 2;
  std::vector<float> result;
  result.reserve(static_cast<size_t>(channels * to.count()));
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < to.height; ++y) {
      const float* row = planes.data() + c * from.count() + (top + y) * from.width + left;
      result.insert(result.end(), row, row + to.width);
    }
  }
  return result;
}

// Channels, and how many neighbouring elements belong to one.
struct ChannelRuns {
  int64_t channels;
  int64_t run;
};

ChannelRuns channel_runs(const Dims& prepared, ChannelOrder order) {
  const size_t rank = prepared.size();
  if (rank == 0) return {1, 1};
  if (rank < 3 || order == ChannelOrder::kHwcToHwc) return {prepared[rank - 1], 1};
  return {prepared[rank - 3], prepared[rank - 2] * prepared[rank - 1]};
}

double channel_value(const std::vector<double>& values, size_t channel, double otherwise) {
  return values.empty() ? otherwise : values[values.size() == 1 ? 0 : channel];
}

void normalize(std::vector<float>& values, ChannelRuns runs, const Preprocess& preprocess) {
  if (preprocess.scale == 1.0 && preprocess.mean.empty() && preprocess.std.empty()) return;
  size_t channel = 0;
  const auto run = static_cast<size_t>(std::max<int64_t>(runs.run, 1));
  for (size_t begin = 0; begin < values.size(); begin += run) {
    const double mean = channel_value(preprocess.mean, channel, 0.0);
    const double deviation = channel_value(preprocess.std, channel, 1.0);
    for (size_t i = begin; i < begin + run; ++i) {
      values[i] = static_cast<float>((values[i] * preprocess.scale - mean) / deviation);
    }
    channel = channel + 1 == static_cast<size_t>(runs.channels) ? 0 : channel + 1;
  }
}

}  // namespace

Dims prepared_dims(const Dims& dims, const Preprocess& preprocess, ChannelOrder order) {
  if (!touches_pixels(preprocess, order)) return dims;
  const ImageShape shape = image_shape(dims, order);
  const Size size = cropped(resized(shape.size, preprocess), preprocess);
  Dims result(dims.begin(), dims.end() - 3);
  if (order == ChannelOrder::kHwcToHwc) {
    result.insert(result.end(), {size.height, size.width, shape.channels});
  } else {
    result.insert(result.end(), {shape.channels, size.height, size.width});
  }
  return result;
}

void check_channels(const Dims& prepared, const Preprocess& preprocess, ChannelOrder order) {
  const auto channels = static_cast<size_t>(channel_runs(prepared, order).channels);
  for (const auto& [name, values] : {std::pair("mean", &preprocess.mean), std::pair("std", &preprocess.std)}) {
    if (values->size() <= 1 || values->size() == channels) continue;
    throw Error(ErrorKind::kUsage, std::string(name) + " has " + std::to_string(values->size()) +
                                       " numbers, but samples have " + std::to_string(channels) + " channels");
  }
}

std::vector<float> prepare(std::vector<float> values, const Dims& dims, const Preprocess& preprocess,
                           ChannelOrder order) {
  if (touches_pixels(preprocess, order)) {
    const ImageShape shape = image_shape(dims, order);
    const Size scaled = resized(shape.size, preprocess);
    const Size target = cropped(scaled, preprocess);
    if (order != ChannelOrder::kKeep) values = to_planes(values, shape);
    values = resize_planes(values, shape.channels, shape.size, scaled);
    values = crop_planes(values, shape.channels, scaled, target);
    if (order == ChannelOrder::kHwcToHwc) values = to_pixels(values, {shape.channels, target});
  }
  normalize(values, channel_runs(prepared_dims(dims, preprocess, order), order), preprocess);
  return values;
}

}  // namespace tinyc
