// Random float networks for property tests: branches, residual sums, concatenations and layers of every form.
#pragma once

#include <string>
#include <vector>

#include "unit/graph_builder.h"

namespace tinyc::testing {

class RandomNetwork {
 public:
  explicit RandomNetwork(uint64_t seed) : rng_(seed) {}

  Graph make() {
    values_.push_back({builder_.input("x", {2, kInputs, 8, 8}), kInputs});
    const uint64_t blocks = 6 + rng_.below(8);
    for (uint64_t i = 0; i < blocks; ++i) add_block();
    return builder_.finish({head(values_.back()), builder_.node("GlobalAveragePool", {pick().id})});
  }

 private:
  static constexpr int64_t kInputs = 3;
  struct Plane {  // [2, channels, 8, 8]
    ValueId id;
    int64_t channels;
  };

  const Plane& pick() { return values_[rng_.below(2) == 0 ? values_.size() - 1 : rng_.below(values_.size())]; }
  ValueId random(const Dims& dims) {
    // Ranges of channels differ by decades, as those of trained layers may.
    return builder_.random("c", dims, static_cast<float>(rng_.uniform(0.1, 1.5)));
  }
  void add(ValueId id, int64_t channels) { values_.push_back({id, channels}); }

  void add_block() {
    const Plane from = pick();
    switch (rng_.below(10)) {
      case 0:
        return add_convolution(from, 1);
      case 1:
        return add_convolution(from, from.channels);
      case 2:
        return add_convolution(from, from.channels % 2 == 0 ? 2 : 1);
      case 3:
        return add_transposed(from);
      case 4:
        return add_sum(from);
      case 5:
        return add_join(from, pick());
      case 6:
        return add_part(from);
      case 7:
        return add_pool(from);
      case 8:
        return add_gated(from);
      default:
        return add_convolution(activate(from), 1);
    }
  }

  Plane activate(const Plane& from) {
    const Dims slopes{from.channels, 1, 1};
    const auto limit = [&](float x) { return builder_.constant("limit", Tensor::scalar(x)); };
    switch (rng_.below(6)) {
      case 0:
        return {builder_.node("LeakyRelu", {from.id}, {{"alpha", 0.2F}}), from.channels};
      case 1:
        return {builder_.node("PRelu", {from.id, random(slopes)}), from.channels};
      case 2:
        return {builder_.node("Clip", {from.id, limit(0.0F), limit(0.7F)}), from.channels};
      case 3:
        return {builder_.node("Clip", {from.id, limit(-0.3F), limit(0.6F)}), from.channels};
      case 4:
        return {builder_.node("Sigmoid", {from.id}), from.channels};
      default:
        return {builder_.node("Relu", {from.id}), from.channels};
    }
  }

  void add_convolution(const Plane& from, int64_t group) {
    const int64_t outputs = group * static_cast<int64_t>(1 + rng_.below(3)) * (group == 1 ? 2 : 1);
    const ValueId made =
        builder_.node("Conv", {from.id, random({outputs, from.channels / group, 3, 3}), random({outputs})},
                      {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"group", group}});
    add(activate({made, outputs}).id, outputs);
  }

  void add_transposed(const Plane& from) {
    const int64_t group = from.channels % 2 == 0 ? 2 : 1;
    const ValueId made =
        builder_.node("ConvTranspose", {from.id, random({from.channels, 3, 3, 3}), random({3 * group})},
                      {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"group", group}});
    add(activate({made, 3 * group}).id, 3 * group);
  }

  void add_sum(const Plane& from) {
    const int64_t c = from.channels;
    const ValueId other = builder_.node("Conv", {from.id, random({c, c, 1, 1})});
    const ValueId sum = builder_.node(rng_.below(2) == 0 ? "Add" : "Sub", {other, from.id});
    add(builder_.node("Max", {builder_.node("Add", {random({1, c, 1, 1}), sum}), random({c, 1, 1})}), c);
  }

  void add_join(const Plane& a, const Plane& b) {
    add(builder_.node("Concat", {a.id, b.id, random({2, 1, 8, 8})}, {{"axis", int64_t{1}}}),
        a.channels + b.channels + 1);
  }

  void add_part(const Plane& from) {
    if (from.channels < 2) return;
    const auto list = [&](const char* name, int64_t x) {
      return builder_.constant(name, Tensor::of<int64_t>({1}, std::vector<int64_t>{x}));
    };
    add(builder_.node("Slice", {from.id, list("first", 1), list("last", from.channels), list("axis", 1)}),
        from.channels - 1);
  }

  void add_pool(const Plane& from) {
    const AttributeList window{{"kernel_shape", std::vector<int64_t>{3, 3}},
                               {"pads", std::vector<int64_t>{1, 1, 1, 1}}};
    add(builder_.node(rng_.below(2) == 0 ? "MaxPool" : "AveragePool", {from.id}, window), from.channels);
  }

  void add_gated(const Plane& from) {
    const ValueId gate = builder_.node("Sigmoid", {builder_.node("GlobalAveragePool", {from.id})});
    const ValueId gained = builder_.node("Mul", {from.id, random({from.channels, 1, 1})});
    add(builder_.node("Mul", {gate, gained}), from.channels);
  }

  // Rows of pixels, normalized, through an attention without scores, and through two dense layers.
  ValueId head(const Plane& from) {
    const int64_t c = from.channels, width = 4;
    const auto dims = [&](const char* name, const std::vector<int64_t>& list) {
      return builder_.constant(name, Tensor::of<int64_t>({static_cast<int64_t>(list.size())}, list));
    };
    const ValueId rows =
        builder_.node("Reshape", {builder_.node("Transpose", {from.id}, perm({0, 2, 3, 1})), dims("rows", {2, 64, c})});
    const ValueId normalized = builder_.node("LayerNormalization", {rows, random({c}), random({c})});
    const ValueId values =
        builder_.node("Add", {builder_.node("MatMul", {normalized, random({c, 2 * width})}), random({2 * width})});
    const ValueId heads = builder_.node(
        "Transpose", {builder_.node("Reshape", {values, dims("heads", {2, 64, 2, width})})}, perm({0, 2, 1, 3}));
    const ValueId mixed = builder_.node("MatMul", {random({2, 2, 3, 64}), heads});
    const ValueId mixed_again = builder_.node("MatMul", {builder_.node("Softmax", {mixed}), perm_last(heads, width)});
    const ValueId merged = builder_.node(
        "Reshape", {builder_.node("Transpose", {mixed_again}, perm({0, 2, 1, 3})), dims("merged", {6, 2 * width})});
    const ValueId dense =
        builder_.node("Gemm", {merged, random({5, 2 * width}), random({5})}, {{"transB", int64_t{1}}});
    return builder_.node("MatMul", {builder_.node("Relu", {dense}), random({5, 3})});
  }

  // The first `width` of the rows of each head.
  ValueId perm_last(ValueId heads, int64_t width) {
    const auto list = [&](const char* name, int64_t x) {
      return builder_.constant(name, Tensor::of<int64_t>({1}, std::vector<int64_t>{x}));
    };
    return builder_.node("Slice", {heads, list("first_row", 0), list("last_row", width), list("row_axis", 2)});
  }

  static AttributeList perm(const std::vector<int64_t>& axes) { return {{"perm", axes}}; }

  GraphBuilder builder_;
  Rng rng_;
  std::vector<Plane> values_;
};

}  // namespace tinyc::testing
