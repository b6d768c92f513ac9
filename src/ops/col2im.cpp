// Col2Im: blocks laid out as columns added back into an image; the transpose of what a convolution does with its input.
// Input [N, C * block elements, blocks], output [N, C, image_shape...].
#include <algorithm>
#include <utility>

#include "ops/float_io.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {
    {"dilations", AttributeType::kInts}, {"pads", AttributeType::kInts}, {"strides", AttributeType::kInts}};
constexpr int kImageShape = 1, kBlockShape = 2;

// One axis: how many blocks begin along it, and where their elements lie.
struct Axis {
  int64_t image, block, dilation, stride, pad_begin, blocks;
  int64_t place(int64_t which, int64_t element) const { return which * stride - pad_begin + element * dilation; }
};

std::vector<Axis> axes_of(const Node& node, std::span<const int64_t> image, std::span<const int64_t> block) {
  const size_t rank = image.size();
  const auto list = [&](std::string_view name, size_t count, int64_t absent) {
    const auto given = ints_attr(node, name);
    if (!given.empty() && given.size() != count) {
      throw Error(ErrorKind::kModel, "attribute '" + std::string(name) + "' has " + std::to_string(given.size()) +
                                         " elements, expected " + std::to_string(count));
    }
    return given.empty() ? std::vector<int64_t>(count, absent) : std::vector<int64_t>(given.begin(), given.end());
  };
  const auto dilations = list("dilations", rank, 1);
  const auto strides = list("strides", rank, 1);
  const auto pads = list("pads", 2 * rank, 0);
  constexpr int64_t kMost = int64_t{1} << 31;
  std::vector<Axis> axes;
  for (size_t i = 0; i < rank; ++i) {
    for (const int64_t size : {image[i], block[i], dilations[i], strides[i]}) {
      if (size < 1 || size > kMost)
        throw Error(ErrorKind::kModel, "a size of " + std::to_string(size) + " does not fit");
    }
    for (const int64_t pad : {pads[i], pads[i + rank]}) {
      if (pad < 0 || pad > kMost) throw Error(ErrorKind::kModel, "attribute 'pads' has " + std::to_string(pad));
    }
    const int64_t room = image[i] + pads[i] + pads[i + rank] - dilations[i] * (block[i] - 1) - 1;
    axes.push_back({image[i], block[i], dilations[i], strides[i], pads[i], room < 0 ? 0 : room / strides[i] + 1});
  }
  return axes;
}

void infer(InferContext& c) {
  c.require_rank(0, 3);
  const auto image = sizes_value(c, kImageShape);
  const auto block = known_ints(c, kBlockShape);
  if (!image) return c.set_output(0, c.dtype(0), Shape::unranked());
  const Shape in = c.shape(0).ranked() ? c.shape(0) : open_shape(3);
  Shape out = {in[0], Dim()};
  if (block) {
    if (std::cmp_not_equal(block->size(), image->rank()))
      c.fail_input(kBlockShape, "has another length than the image shape");
    if (std::any_of(block->begin(), block->end(), [](int64_t size) { return size < 1; })) {
      c.fail_input(kBlockShape, "holds a size below one");
    }
    const int64_t elements = element_count(*block);
    if (in[1].known()) {
      if (in[1].value % elements != 0) {
        c.fail_input(0, "has shape " + to_string(in) + ", which is not made of blocks of " + std::to_string(elements));
      }
      out[1] = in[1].value / elements;
    }
    if (image->known() && in[2].known()) {
      Dims counts;
      for (const Axis& axis : axes_of(c.node(), *image->known_dims(), *block)) counts.push_back(axis.blocks);
      const int64_t blocks = element_count(counts);
      if (blocks != in[2].value)
        c.fail_input(0, "has " + std::to_string(in[2].value) + " blocks, expected " + std::to_string(blocks));
    }
  }
  for (const Dim& dim : image->dims()) out.push_back(dim);
  c.set_output(0, c.dtype(0), std::move(out));
}

// For each element of a block and each block, where it goes in the image plane; -1 outside.
std::vector<int64_t> places(std::span<const Axis> axes) {
  std::vector<int64_t> places = {0};
  int64_t element_total = 1;
  int64_t block_total = 1;
  for (const Axis& axis : axes) {
    std::vector<int64_t> next;
    for (int64_t e = 0; e < element_total; ++e) {
      for (int64_t element = 0; element < axis.block; ++element) {
        for (int64_t b = 0; b < block_total; ++b) {
          const int64_t before = places[static_cast<size_t>(e * block_total + b)];
          for (int64_t which = 0; which < axis.blocks; ++which) {
            const int64_t at = axis.place(which, element);
            const bool inside = before >= 0 && at >= 0 && at < axis.image;
            next.push_back(inside ? before * axis.image + at : -1);
          }
        }
      }
    }
    element_total *= axis.block;
    block_total *= axis.blocks;
    places = std::move(next);
  }
  return places;
}

void eval(EvalContext& c) {
  const FloatInput in(c.input(0));
  FloatOutput out(c.output(0));
  const auto image = c.input(kImageShape).to_int64();
  const auto block = c.input(kBlockShape).to_int64();
  const std::vector<int64_t> targets = places(axes_of(c.node(), image, block));
  const int64_t plane = element_count(image);
  std::fill(out.values().begin(), out.values().end(), 0.0F);
  const int64_t planes = c.output(0).dims()[0] * c.output(0).dims()[1];
  const auto columns = static_cast<int64_t>(targets.size());
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t i = 0; i < columns; ++i) {
      const int64_t to = targets[static_cast<size_t>(i)];
      if (to >= 0) out[p * plane + to] += in[p * columns + i];
    }
  }
  out.store();
}

}  // namespace

extern const OpDef k_col2im{
    .name = "Col2Im",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "adds overlapping blocks, which is done in float"},
};

}  // namespace tinyc
