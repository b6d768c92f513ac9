/* Movement of bytes and resizing against index arithmetic. */
#include "harness.h"
#include "move_s8.h"
#include "resize_linear_s8.h"

enum { kLargest = 8192 };

static int8_t in[kLargest];
static int8_t out[kLargest];
static int8_t expected[kLargest];

static void start(void) {
  for (int32_t i = 0; i < kLargest; ++i) in[i] = random_s8();
  memset(out, 0x55, sizeof out);
  memset(expected, 0x55, sizeof expected);
}

static void compare(const char* what) {
  check(memcmp(out, expected, sizeof out) == 0, what);
}

static void test_transpose(void) {
  int32_t d[5];
  int32_t s[5];
  int32_t origin = 0;
  int32_t step = 1;
  start();
  for (int i = 0; i < 5; ++i) d[i] = pick(1, 5);
  const int32_t turn = pick(0, 4);
  for (int i = 0; i < 5; ++i) {
    const int axis = (int)((i * 2 + turn) % 5);
    s[axis] = step;
    step *= d[axis];
    if (pick(0, 3) == 0) { /* backwards */
      origin += (d[axis] - 1) * s[axis];
      s[axis] = -s[axis];
    }
  }
  int32_t to = 0;
  int32_t i[5];
  for (i[0] = 0; i[0] < d[0]; ++i[0])
    for (i[1] = 0; i[1] < d[1]; ++i[1])
      for (i[2] = 0; i[2] < d[2]; ++i[2])
        for (i[3] = 0; i[3] < d[3]; ++i[3])
          for (i[4] = 0; i[4] < d[4]; ++i[4])
            expected[to++] = in[origin + i[0] * s[0] + i[1] * s[1] + i[2] * s[2] + i[3] * s[3] + i[4] * s[4]];
  tc_transpose_s8(in + origin, out, d[0], d[1], d[2], d[3], d[4], s[0], s[1], s[2], s[3], s[4]);
  compare("transpose");
}

static int32_t source(int32_t at, int32_t size, int32_t mode) {
  if (at >= 0 && at < size) return at;
  if (mode == 0) return -1;
  if (mode == 1) return at < 0 ? 0 : size - 1;
  if (mode == 3) return (at % size + size) % size;
  const int32_t period = size > 1 ? 2 * (size - 1) : 1;
  const int32_t phase = (at % period + period) % period;
  return phase < size ? phase : period - phase;
}

static void test_pad(void) {
  int32_t i[4];
  int32_t before[4];
  int32_t o[4];
  int32_t at[4];
  start();
  for (int axis = 0; axis < 4; ++axis) {
    i[axis] = pick(1, 5);
    before[axis] = pick(-1, 2);
    o[axis] = i[axis] + before[axis] + pick(0, 2);
    if (o[axis] < 1) o[axis] = 1;
  }
  const int32_t mode = pick(0, 3);
  const int32_t value = random_s8();
  int32_t to = 0;
  for (at[0] = 0; at[0] < o[0]; ++at[0])
    for (at[1] = 0; at[1] < o[1]; ++at[1])
      for (at[2] = 0; at[2] < o[2]; ++at[2])
        for (at[3] = 0; at[3] < o[3]; ++at[3]) {
          int32_t index = 0;
          int outside = 0;
          for (int axis = 0; axis < 4; ++axis) {
            const int32_t from = source(at[axis] - before[axis], i[axis], mode);
            outside |= from < 0;
            index = index * i[axis] + from;
          }
          expected[to++] = outside ? (int8_t)value : in[index];
        }
  tc_pad_s8(in, out, i[0], i[1], i[2], i[3], o[0], o[1], o[2], o[3], before[0], before[1], before[2], before[3], mode,
            value);
  compare("pad");
}

static void test_strided_copy(void) {
  const int32_t rows = pick(1, 12);
  const int32_t bytes = pick(1, 20);
  const int32_t in_stride = bytes + pick(0, 9);
  const int32_t out_stride = bytes + pick(0, 9);
  start();
  for (int32_t row = 0; row < rows; ++row) memcpy(expected + row * out_stride, in + row * in_stride, (size_t)bytes);
  tc_strided_copy_s8(in, out, rows, bytes, in_stride, out_stride);
  compare("strided copy");
  memcpy(out, in, sizeof out);
  tc_strided_copy_s8(out, out, rows, bytes, in_stride, out_stride);
  int same = 1;
  for (int32_t row = 0; row < rows; ++row)
    same &= memcmp(out + row * out_stride, expected + row * out_stride, (size_t)bytes) == 0;
  check(same, "strided copy in place");
  start();
  memcpy(expected, in, 100);
  tc_copy_s8(in, out, 100);
  compare("copy");
}

static void test_resize(void) {
  const int32_t in_h = pick(1, 6);
  const int32_t in_w = pick(1, 6);
  const int32_t count = pick(1, 5);
  const int32_t out_h = pick(1, 9);
  const int32_t out_w = pick(1, 9);
  int32_t rows[27];
  int32_t columns[27];
  start();
  for (int32_t i = 0; i < 9; ++i) {
    rows[3 * i] = pick(0, in_h - 1);
    rows[3 * i + 1] = pick(0, in_h - 1);
    rows[3 * i + 2] = pick(0, 2048);
    columns[3 * i] = pick(0, in_w - 1);
    columns[3 * i + 1] = pick(0, in_w - 1);
    columns[3 * i + 2] = pick(0, 2048);
  }
  for (int32_t y = 0; y < out_h; ++y)
    for (int32_t x = 0; x < out_w; ++x)
      for (int32_t c = 0; c < count; ++c) {
        int64_t sum = 1 << 21;
        for (int corner = 0; corner < 4; ++corner) {
          const int32_t down = rows[3 * y + 2];
          const int32_t across = columns[3 * x + 2];
          const int32_t weight = (corner & 2 ? down : 2048 - down) * (corner & 1 ? across : 2048 - across);
          const int32_t row = rows[3 * y + (corner >> 1)];
          sum += (int64_t)in[(row * in_w + columns[3 * x + (corner & 1)]) * count + c] * weight;
        }
        expected[(y * out_w + x) * count + c] = (int8_t)(sum >> 22);
      }
  tc_resize_linear_s8(in, out, rows, columns, in_w, count, out_h, out_w);
  compare("resize linear");
  memset(out, 0x55, sizeof out);
  memset(expected, 0x55, sizeof expected);
  for (int32_t i = 0; i < 9; ++i) {
    rows[i] = pick(0, in_h - 1);
    columns[i] = pick(0, in_w - 1);
  }
  for (int32_t y = 0; y < out_h; ++y)
    for (int32_t x = 0; x < out_w; ++x)
      for (int32_t c = 0; c < count; ++c)
        expected[(y * out_w + x) * count + c] = in[(rows[y] * in_w + columns[x]) * count + c];
  tc_upsample_nearest_s8(in, out, rows, columns, in_w, count, out_h, out_w);
  compare("upsample nearest");
}

static void test_gather(void) {
  int32_t rows[7];
  int32_t columns[5];
  const int32_t height = pick(1, 7);
  const int32_t width = pick(1, 5);
  const int32_t bytes = pick(1, 19);
  const int8_t value = random_s8();
  start();
  for (int32_t i = 0; i < 7; ++i) rows[i] = pick(0, 3) == 0 ? -4000 : pick(0, 4000);
  for (int32_t i = 0; i < 5; ++i) columns[i] = pick(0, 3000);
  for (int32_t i = 0; i < height * width * bytes; ++i) {
    const int32_t from = rows[i / bytes / width] + columns[i / bytes % width];
    expected[i] = from < 0 ? value : in[from + i % bytes];
  }
  tc_gather_s8(in, out, rows, columns, height, width, bytes, value);
  compare("gather");
}

static void test_interleave(void) {
  const int32_t rows = pick(1, 6);
  const int32_t columns = pick(1, 6);
  const int32_t bytes = pick(1, 17);
  const int32_t column_stride = bytes * pick(1, 3);
  const int32_t row_stride = column_stride * columns * pick(1, 3);
  start();
  for (int32_t i = 0; i < rows * columns * bytes; ++i)
    expected[i / bytes / columns * row_stride + i / bytes % columns * column_stride + i % bytes] = in[i];
  tc_interleave_s8(in, out, rows, columns, bytes, row_stride, column_stride);
  compare("interleave");
}

int main(void) {
  for (int i = 0; i < 60; ++i) {
    test_transpose();
    test_pad();
    test_strided_copy();
    test_resize();
    test_gather();
    test_interleave();
  }
  return finish();
}
