// Few centres for many weighted numbers: k-means on a line.
//
// Problem: for numbers x with weights w find `count` centres that make
//   sum of w (x - nearest centre)^2
// small. Method: Lloyd's rounds, in which each centre becomes the weighted mean of the numbers nearest to it, from
// three starts of which the best end stays: centres evenly over the range, which serves the few large numbers; evenly
// over the weight, which serves the many small ones; and drawn one after the other with the probability of what each
// number still adds to the sum (k-means++). Why right: no round makes the sum larger, and the starts fail on different
// data. On a line the numbers of a centre lie side by side: sorted once, with running sums of w, w x and w x^2, a round
// takes count binary searches. Cost: sorting, and numbers times count for the third start.
//
// Sources: Lloyd, 1982; Arthur and Vassilvitskii, k-means++, 2007; the first two starts: Han, Mao and Dally, Deep
// Compression, 2016 (arXiv:1510.00149).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tinyc/base/rng.h"

namespace tinyc {

struct WeightedNumber {
  double x;
  double weight;  // not below 0
};

class WeightedLine {
 public:
  // At least one number.
  explicit WeightedLine(std::vector<WeightedNumber> numbers);

  // Of ascending centres.
  double error(std::span<const double> centres) const;
  // At most `count` centres, at least one, ascending and different; with_zero: 0 is one of them, exactly.
  std::vector<double> cluster(size_t count, bool with_zero, Rng& rng) const;

 private:
  struct Sums {
    double weight = 0, first = 0, second = 0;
  };
  using Start = std::vector<double>;

  Start linear(size_t count) const;
  Start density(size_t count) const;
  Start plus_plus(size_t count, bool with_zero, Rng& rng) const;
  void improve(std::vector<double>& centres, bool with_zero) const;
  // Numbers [ends[i - 1], ends[i]) are nearest to centre i.
  std::vector<size_t> ends(std::span<const double> centres) const;

  std::vector<WeightedNumber> numbers_;  // ascending
  std::vector<Sums> sums_;               // of the first i numbers
};

}  // namespace tinyc
