#include "ops/kernels/convolution.h"

#include <algorithm>

namespace tinyc::kernels {
namespace {

constexpr int64_t kPanelColumns = 192;  // a multiple of three vectors of any machine
constexpr int64_t kSlack = 32;          // floats that vectors may spill over
constexpr int64_t kPanelPitch = kPanelColumns + kSlack;
constexpr int64_t kLineFloats = 32768;  // of all lines in scratch: they stay in the second-level cache

int64_t vectors_for(int64_t columns) {
  return (columns + vector_lanes() - 1) / vector_lanes();
}

// The pieces of columns [first, first + count) of a panel.
std::vector<Segment> cut(const std::vector<Segment>& columns, int64_t first, int64_t count) {
  std::vector<Segment> pieces;
  for (const Segment& piece : columns) {
    const int64_t from = std::max(first, piece.to);
    const int64_t past = std::min(first + count, piece.to + piece.count);
    if (from < past) pieces.push_back({piece.from + from - piece.to, from - first, past - from});
  }
  return pieces;
}

}  // namespace

std::optional<Convolution> Convolution::plan(const ConvolutionDims& dims) {
  Convolution c;
  c.dims_ = dims;
  c.planes_ = Planes(dims.y, dims.x);
  const int64_t channels = dims.channels / dims.groups;
  c.depth_ = channels * dims.y.kernel * dims.x.kernel;
  c.rows_ = dims.out_channels / dims.groups;
  const int64_t reach = (channels + 1) * c.planes_.size();
  if (reach > std::numeric_limits<int32_t>::max() || c.depth_ > std::numeric_limits<int32_t>::max() / kPanelPitch) {
    return std::nullopt;
  }
  for (int64_t k = 0; k < c.depth_; ++k) {
    const int64_t tap = k % (dims.y.kernel * dims.x.kernel);
    const int64_t offset = c.planes_.tap(tap / dims.x.kernel, tap % dims.x.kernel);
    c.lines_.push_back(static_cast<int32_t>(k / (dims.y.kernel * dims.x.kernel) * c.planes_.size() + offset));
    c.panel_lines_.push_back(static_cast<int32_t>(k * kPanelPitch));
  }
  c.choose_way();
  c.set_runs();
  return c;
}

// Compares the multiply-adds that each way issues for one sample and row, in vectors times depth, and its extra work.
void Convolution::choose_way() {
  const auto rows = static_cast<double>(rows_), depth = static_cast<double>(depth_);
  const int64_t height = dims_.y.out, width = dims_.x.out;
  const bool dense = planes_.pitch() == width;
  const int64_t line = (height - 1) * planes_.pitch() + width;
  const double by_rows = static_cast<double>(dense ? vectors_for(height * width) : height * vectors_for(width));
  const double by_line = static_cast<double>(vectors_for(line)) + 3.0 * static_cast<double>(height) / depth;
  // Gathering costs about as much as 8 multiply-adds for each vector of each line.
  const double by_panels = static_cast<double>(vectors_for(height * width)) * (1.0 + 8.0 / rows);
  const int64_t joined = std::clamp<int64_t>(kPanelColumns / (height * width), 1, dims_.samples);
  const double by_joining = static_cast<double>(vectors_for(joined * height * width)) / static_cast<double>(joined) *
                            (1.0 + 8.0 / rows + 4.0 / depth);
  // Transposing costs about as much as a multiply-add for each element.
  const bool pointwise = planes_.is_channel() && dims_.groups == 1 && dims_.y.kernel * dims_.x.kernel == 1;
  const double by_channels =
      !pointwise ? std::numeric_limits<double>::infinity()
                 : static_cast<double>(height * width * vectors_for(rows_)) / rows * (1.05 + 8.0 / depth);
  const double best = std::min({by_rows, by_line, by_panels, by_joining, by_channels});
  if (by_rows == best) {
    way_ = Way::kRows;
  } else if (by_line == best) {
    way_ = Way::kLine;
  } else if (by_channels == best) {
    way_ = Way::kChannels;
    transposed_.emplace(depth_, rows_);
  } else if (by_panels == best) {
    way_ = Way::kPanels;
  } else {
    way_ = Way::kJoined;
    joined_ = joined;
  }
}

void Convolution::set_runs() {
  const int64_t height = dims_.y.out, width = dims_.x.out, pitch = planes_.pitch();
  if (way_ == Way::kLine) {
    rows_in_line_ = std::clamp<int64_t>(kLineFloats / (rows_ * pitch), 1, height);
  } else if (way_ == Way::kRows && pitch == width) {
    runs_ = {{0, 0, height * width}};
  } else if (way_ == Way::kRows) {
    for (int64_t y = 0; y < height; ++y) runs_.push_back({y * pitch, y * width, width});
  } else if (way_ == Way::kPanels || way_ == Way::kJoined) {
    const int64_t stride = dims_.channels / dims_.groups * planes_.size();
    std::vector<Segment> columns;
    for (int64_t i = 0; i < joined_ * height; ++i) {
      columns.push_back({i / height * stride + i % height * pitch, i * width, width});
    }
    for (int64_t first = 0; first < joined_ * height * width; first += kPanelColumns) {
      panels_.push_back(cut(columns, first, kPanelColumns));
    }
  }
}

int64_t Convolution::packed_weight_size() const {
  return transposed_ ? transposed_->packed_size() : dims_.out_channels * depth_;
}

void Convolution::pack_weights(const float* weights, float* packed) const {
  if (transposed_) return transposed_->pack(weights, 1, depth_, packed);
  for (int64_t g = 0; g < dims_.groups; ++g) {
    pack_rows(rows_, depth_, weights + g * rows_ * depth_, depth_, 1, packed + g * rows_ * depth_);
  }
}

int64_t Convolution::planes_size() const {
  if (planes_.is_channel() && joined_ == 1) return 0;
  return joined_ * (dims_.channels / dims_.groups) * planes_.size() + kSlack;
}

int64_t Convolution::scratch_size() const {
  switch (way_) {
    case Way::kRows:
      return planes_size();
    case Way::kLine:
      return planes_size() + rows_ * line_size() + kSlack;
    case Way::kPanels:
      return planes_size() + depth_ * kPanelPitch + kSlack;
    case Way::kJoined:
      return planes_size() + (depth_ + rows_) * kPanelPitch + kSlack;
    case Way::kChannels:
      return rows_ * out_count() + kSlack;
  }
  return 0;
}

void Convolution::run(const Operands& operands) const {
  if (way_ == Way::kChannels) return run_channels(operands);
  for (int64_t first = 0; first < dims_.samples; first += joined_) {
    for (int64_t group = 0; group < dims_.groups; ++group) {
      run_samples(operands, first, std::min(joined_, dims_.samples - first), group);
    }
  }
}

void Convolution::run_samples(const Operands& operands, int64_t first, int64_t count, int64_t group) const {
  const int64_t channels = dims_.channels / dims_.groups;
  const int64_t in_count = dims_.y.in * dims_.x.in;
  const float* x = operands.x + (first * dims_.channels + group * channels) * in_count;
  float* y = operands.y + (first * dims_.out_channels + group * rows_) * out_count();
  Product product{.rows = rows_,
                  .depth = depth_,
                  .a = operands.weights + group * rows_ * depth_,
                  .b = x,
                  .lines = lines_.data(),
                  .runs = runs_,
                  .start = operands.bias == nullptr ? nullptr : operands.bias + group * rows_,
                  .low = operands.low,
                  .high = operands.high,
                  .out = y,
                  .out_stride = out_count()};
  if (planes_size() > 0) {
    float* planes = operands.scratch;
    for (int64_t n = 0; n < count; ++n) {
      for (int64_t c = 0; c < channels; ++c) {
        planes_.fill(x + (n * dims_.channels + c) * in_count, 0.0F, planes);
        planes += planes_.size();
      }
    }
    product.b = operands.scratch;
  }
  float* const rest = operands.scratch + planes_size();
  if (way_ == Way::kRows) return multiply(product);
  if (way_ != Way::kLine) return run_panels(product, count, rest, y);
  run_lines(product, rest, y);
}

void Convolution::run_lines(Product product, float* line, float* y) const {
  const int64_t height = dims_.y.out, width = dims_.x.out, pitch = planes_.pitch();
  product.out = line;
  product.out_stride = line_size();
  for (int64_t first = 0; first < height; first += rows_in_line_) {
    const int64_t count = std::min(rows_in_line_, height - first);
    const ColumnRun run{first * pitch, 0, (count - 1) * pitch + width};
    product.runs = {&run, 1};
    multiply(product);
    for (int64_t m = 0; m < rows_; ++m) {
      copy_rows(count, width, line + m * product.out_stride, pitch, y + m * out_count() + first * width, width);
    }
  }
}

void Convolution::run_channels(const Operands& operands) const {
  for (int64_t n = 0; n < dims_.samples; ++n) {
    transposed_->run({.rows = out_count(),
                      .a = operands.x + n * dims_.channels * out_count(),
                      .a_row = 1,
                      .a_step = out_count(),
                      .b = operands.weights,
                      .start = operands.bias,
                      .low = operands.low,
                      .high = operands.high,
                      .y = operands.scratch});
    transpose(out_count(), rows_, operands.scratch, operands.y + n * rows_ * out_count());
  }
}

void Convolution::run_panels(const Product& planes_product, int64_t samples, float* panel, float* y) const {
  const int64_t columns = samples * out_count();
  float* const results = panel + depth_ * kPanelPitch;
  for (int64_t first = 0; first < columns; first += kPanelColumns) {
    const int64_t count = std::min(kPanelColumns, columns - first);
    gather_panel(depth_, planes_product.b, lines_.data(), panels_[static_cast<size_t>(first / kPanelColumns)], panel,
                 kPanelPitch);
    Product product = planes_product;
    const ColumnRun run{0, way_ == Way::kJoined ? 0 : first, count};
    product.b = panel;
    product.lines = panel_lines_.data();
    product.runs = {&run, 1};
    if (way_ == Way::kJoined) {
      product.out = results;
      product.out_stride = kPanelPitch;
    }
    multiply(product);
    if (way_ != Way::kJoined) continue;
    for (int64_t n = first / out_count(); n * out_count() < first + count; ++n) {
      const int64_t from = std::max(first, n * out_count());
      const int64_t past = std::min(first + count, (n + 1) * out_count());
      copy_rows(rows_, past - from, results + from - first, kPanelPitch,
                y + n * dims_.out_channels * out_count() + from - n * out_count(), out_count());
    }
  }
}

}  // namespace tinyc::kernels
