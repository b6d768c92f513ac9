// NonMaxSuppression: for each sample and class, boxes in the order of their scores, without those that overlap a box
// already taken by more than iou_threshold. Boxes [batch, boxes, 4], scores [batch, classes, boxes]; output
// [taken, 3]: sample, class, box.
#include <algorithm>
#include <numeric>
#include <utility>

#include "ops/float_io.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"center_point_box", 0}};
constexpr int kBoxes = 0, kScores = 1, kMaxPerClass = 2, kIouThreshold = 3, kScoreThreshold = 4;

struct Box {
  float x0, y0, x1, y1;
  float area() const { return (x1 - x0) * (y1 - y0); }
};

// Two opposite corners (y, x, y, x) in any order, or center and size (x, y, width, height).
Box read_box(const float* box, bool center) {
  if (center) {
    const float half_width = box[2] / 2.0F;
    const float half_height = box[3] / 2.0F;
    return {box[0] - half_width, box[1] - half_height, box[0] + half_width, box[1] + half_height};
  }
  return {std::min(box[1], box[3]), std::min(box[0], box[2]), std::max(box[1], box[3]), std::max(box[0], box[2])};
}

bool overlaps(const Box& a, const Box& b, float threshold) {
  const float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (width <= 0.0F || height <= 0.0F || a.area() <= 0.0F || b.area() <= 0.0F) return false;
  const float common = width * height;
  return common / (a.area() + b.area() - common) > threshold;
}

void infer(InferContext& c) {
  c.require_rank(kBoxes, 3);
  c.require_rank(kScores, 3);
  const Shape& boxes = c.shape(kBoxes);
  const Shape& scores = c.shape(kScores);
  if (boxes.ranked() && boxes[2].known() && boxes[2].value != 4) c.fail_input(kBoxes, "does not end in boxes of 4");
  if (boxes.ranked() && scores.ranked()) {
    merge(boxes[0], scores[0]);
    merge(boxes[1], scores[2]);
  }
  c.set_output(0, DataType::kInt64, {Dim(), 3});
}

// An optional operand of one element.
std::optional<float> scalar(const EvalContext& c, int idx) {
  if (!c.has_input(idx)) return std::nullopt;
  const std::vector<float> values = c.input(idx).to_float();
  if (values.size() != 1) throw Error(ErrorKind::kModel, "input " + std::to_string(idx) + " is not a scalar");
  return values[0];
}

std::vector<int64_t> by_score(std::span<const float> scores, std::optional<float> threshold) {
  std::vector<int64_t> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool taken = threshold ? scores[i] > *threshold : scores[i] == scores[i];
    if (taken) order.push_back(static_cast<int64_t>(i));
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  return order;
}

void eval(EvalContext& c) {
  const FloatInput boxes(c.input(kBoxes));
  const FloatInput scores(c.input(kScores));
  const bool center = int_attr(c.node(), "center_point_box") != 0;
  const auto most = c.has_input(kMaxPerClass) ? c.input(kMaxPerClass).to_int64() : std::vector<int64_t>{0};
  const float iou_threshold = scalar(c, kIouThreshold).value_or(0.0F);
  const auto score_threshold = scalar(c, kScoreThreshold);
  const auto classes = static_cast<size_t>(c.input(kScores).dims()[1]);
  const auto count = static_cast<size_t>(c.input(kScores).dims()[2]);
  const size_t rows = static_cast<size_t>(c.input(kScores).dims()[0]) * classes;
  std::vector<int64_t> selected;
  for (size_t row = 0; row < rows; ++row) {
    const float* sample = boxes.data() + row / classes * count * 4;
    std::vector<Box> taken;
    for (const int64_t candidate : by_score(scores.values().subspan(row * count, count), score_threshold)) {
      if (most.empty() || std::cmp_greater_equal(taken.size(), most[0])) break;
      const Box box = read_box(sample + candidate * 4, center);
      const auto suppresses = [&](const Box& other) { return overlaps(box, other, iou_threshold); };
      if (std::any_of(taken.begin(), taken.end(), suppresses)) continue;
      taken.push_back(box);
      selected.insert(selected.end(),
                      {static_cast<int64_t>(row / classes), static_cast<int64_t>(row % classes), candidate});
    }
  }
  c.set_output(0, Tensor::of<int64_t>({static_cast<int64_t>(selected.size()) / 3, 3}, selected));
}

}  // namespace

extern const OpDef k_non_max_suppression{
    .name = "NonMaxSuppression",
    .inputs = {2, 5},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "sorts and compares boxes"},
};

}  // namespace tinyc
