// Padded planes: the form in which a sliding window reads a channel.
//
// The channel is copied once into a plane that has its padding around it. For strides above 1 it is split into phases,
// one plane for each remainder of the coordinates that some tap asks for. Then every tap, whatever the stride and the
// dilation, reads its elements for a row of outputs as one contiguous line, and the tap is just an offset. The copy
// costs one load and one store an element; the window reads each element once for every tap.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tinyc::kernels {

struct PlaneAxis {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;  // before the first element
};

class Planes {
 public:
  Planes() = default;
  Planes(const PlaneAxis& y, const PlaneAxis& x);

  // Nothing to pad and nothing to split: the channel itself has this form.
  bool is_channel() const;
  int64_t pitch() const { return pitch_; }  // elements from one row of outputs to the next
  int64_t size() const;                     // floats that one channel takes
  // Where the tap finds its element for output (0, 0); output (y, x) is y * pitch() + x further on.
  int64_t tap(int64_t ky, int64_t kx) const;
  // Copies a channel. May read one vector past its end, and write one past the size.
  void fill(const float* channel, float padding, float* planes) const;

 private:
  PlaneAxis y_, x_;
  std::vector<int64_t> row_phases_, column_phases_;  // the remainders in use
  int64_t rows_ = 1, pitch_ = 1;
};

// Copies rows * count floats between planes of different pitch; writes nothing beyond them.
void copy_rows(int64_t rows, int64_t count, const float* from, int64_t from_pitch, float* to, int64_t to_pitch);

// to [columns, rows] = the transpose of from [rows, columns].
void transpose(int64_t rows, int64_t columns, const float* from, float* to);

// A piece of every line that goes to the same place of a panel's row.
struct Segment {
  int64_t from = 0;
  int64_t to = 0;
  int64_t count = 0;
};
// Gathers a panel: row k is made of segments of line k. May read and write one vector past the end of each.
void gather_panel(int64_t depth, const float* base, const int32_t* lines, std::span<const Segment> segments,
                  float* panel, int64_t panel_pitch);

}  // namespace tinyc::kernels
