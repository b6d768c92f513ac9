#include "tinyc/driver/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/base/progress.h"
#include "tinyc/base/text.h"
#include "tinyc/quant/allocation.h"
#include "tinyc/quant/variants.h"

namespace tinyc {
namespace {

constexpr std::array kWidths = {8, 4, 2};
// Trials that tighten a limit on bytes, and sizes that a goal on accuracy is looked for among.
constexpr int kMostTrials = 4;
constexpr size_t kSizes = 32;

// The model with all weights in one form.
struct Uniform {
  QuantizationSettings settings;
  Graph graph;  // constants still in float
  std::map<std::string, int64_t> layer_bytes;
};

// What came out of a choice.
struct Trial {
  Size size;
  double drop = 0;  // measured where it is a goal
};

// `graph` with node i as it is in `other`: its constants are taken from there.
Graph with_node_of(const Graph& graph, const Graph& other, size_t i) {
  Graph mixed = graph;
  const Node& source = other.nodes[i];
  std::vector<ValueId> inputs = mixed.nodes[i].inputs;
  inputs.resize(std::max(inputs.size(), source.inputs.size()), kNoValue);
  for (size_t idx = 0; idx < source.inputs.size(); ++idx) {
    const ValueId id = source.inputs[idx];
    if (id != kNoValue && other[id].constant) inputs[idx] = mixed.add_value(other[id]);
  }
  mixed.nodes[i].inputs = std::move(inputs);
  return mixed;
}

bool has_quantized_weights(const Graph& graph, const Node& node) {
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
    const QParams* params = linear_params(graph, id);
    return params != nullptr && graph[id].constant && params->storage != DataType::kInt32;
  });
}

class Fit {
 public:
  Fit(const Graph& reference, const QuantizationSettings& settings, const FitGoal& goal,
      std::span<const Sample> samples, int threads, const FitSteps& steps)
      : reference_(reference), settings_(settings), goal_(goal), samples_(samples), threads_(threads), steps_(steps) {}

  FitResult go() {
    quantize_all();
    measure_layers();
    const std::vector<Allocation> frontier = allocate(forms_);
    check_ram();
    const Allocation chosen = goal_.bytes ? meet_bytes(frontier) : meet_drop(frontier);
    if (goal_.bytes && goal_.drop) require_drop(chosen);
    result_.settings = settings_for(chosen);
    result_.bytes = tried(chosen).size.bytes;
    const double noise = std::max(base_noise_ + chosen.noise * signal_, 1e-300);
    result_.predicted = {fixed_bytes_ + chosen.bytes, 10 * std::log10(signal_ / noise)};
    return std::move(result_);
  }

 private:
  // From the largest.
  std::vector<QuantizationSettings> choices() const {
    std::vector<QuantizationSettings> found;
    for (const int bits : kWidths) {
      if (bits <= settings_.weight_bits) found.emplace_back(settings_).weight_bits = bits;
    }
    return found;
  }

  void quantize_all() {
    for (const QuantizationSettings& settings : choices()) {
      Uniform& form = uniform_.emplace_back(Uniform{settings, steps_.quantize(settings), {}});
      const Graph packed = steps_.pack(form.graph);
      form.layer_bytes = steps_.layer_bytes(packed);
      if (uniform_.size() == 1) largest_ = steps_.size(packed);
    }
    if (uniform_.size() > 1) return;
    throw Error(ErrorKind::kUsage,
                fmt::format("a goal has nothing to choose: weights have {} bits already", settings_.weight_bits),
                "leave the bits to the goal");
  }

  void measure_layers() {
    const Graph& base = uniform_.front().graph;
    const auto wanted = run_samples(reference_, Engine::kFloat, samples_, threads_);
    Progress progress("fit", static_cast<int64_t>(base.nodes.size()));
    const auto errors = measure_variants(base, Engine::kSimulated, samples_, wanted, threads_, [&](size_t i) {
      progress.advance();
      std::vector<Graph> variants;
      if (!is_choosable(base.nodes[i])) return variants;
      for (const Uniform& form : uniform_) variants.push_back(with_node_of(base, form.graph, i));
      return variants;
    });
    fixed_bytes_ = largest_.bytes;
    for (size_t i = 0; i < base.nodes.size(); ++i) {
      if (errors[i].empty()) continue;
      const ErrorSums& largest = errors[i].front();
      signal_ = std::max(largest.signal, 1e-300);
      base_noise_ = largest.noise;
      std::vector<double> added;
      for (const ErrorSums& error : errors[i]) added.push_back(std::max(error.noise - largest.noise, 0.0) / signal_);
      add_layer(base.nodes[i].name, added);
    }
  }

  bool is_choosable(const Node& node) const {
    return has_quantized_weights(uniform_.front().graph, node) && !settings_.layer_bits.contains(node.name);
  }

  // `added`: noise of the outputs by form.
  void add_layer(const std::string& name, std::span<const double> added) {
    std::vector<Form>& forms = forms_.emplace_back();
    for (size_t k = 0; k < uniform_.size(); ++k) {
      const auto bytes = uniform_[k].layer_bytes.find(name);
      forms.push_back({bytes == uniform_[k].layer_bytes.end() ? 0 : bytes->second, added[k]});
    }
    fixed_bytes_ -= forms.front().bytes;
    layers_.push_back(name);
  }

  QuantizationSettings settings_for(const Allocation& allocation) const {
    QuantizationSettings settings = settings_;
    for (size_t i = 0; i < layers_.size(); ++i) {
      settings.layer_bits[layers_[i]] = uniform_[allocation.forms[i]].settings.weight_bits;
    }
    return settings;
  }

  // Quantized as a whole and measured; each allocation once.
  const Trial& tried(const Allocation& allocation) {
    const auto [found, is_new] = trials_.try_emplace(allocation.forms);
    if (!is_new) return found->second;
    ++result_.trials;
    const Graph packed = steps_.pack(steps_.quantize(settings_for(allocation)));
    found->second.size = steps_.size(packed);
    if (goal_.drop) found->second.drop = steps_.drop(packed);
    return found->second;
  }

  void check_ram() const {
    if (!goal_.ram || largest_.ram <= *goal_.ram) return;
    throw Error(
        ErrorKind::kGate,
        fmt::format("the goal of {} of RAM is out of reach: the arena takes {}",
                    format_bytes(static_cast<uint64_t>(*goal_.ram)), format_bytes(static_cast<uint64_t>(largest_.ram))),
        "fewer bits of weights do not make activations smaller");
  }

  Allocation meet_bytes(std::span<const Allocation> frontier) {
    int64_t limit = *goal_.bytes - fixed_bytes_;
    int64_t smallest = 0;
    for (int trial = 0; trial < kMostTrials; ++trial) {
      const Allocation* best = best_within(frontier, limit);
      if (best == nullptr) break;
      const Size size = tried(*best).size;
      smallest = size.bytes;
      const bool fits_ram = !goal_.ram || size.ram <= *goal_.ram;
      if (size.bytes <= *goal_.bytes && fits_ram) return *best;
      limit = best->bytes - std::max<int64_t>(size.bytes - *goal_.bytes, 1);
    }
    const int64_t least = smallest > 0 ? smallest : fixed_bytes_ + frontier.front().bytes;
    throw Error(ErrorKind::kGate,
                fmt::format("the goal of {} bytes is out of reach: the smallest found has {}", *goal_.bytes, least));
  }

  // The smallest of some sizes that loses no more than the goal; the loss is taken to fall with the size.
  Allocation meet_drop(std::span<const Allocation> frontier) {
    if (!goal_.drop) return frontier.back();
    std::vector<const Allocation*> sizes;
    const size_t count = std::min(kSizes, frontier.size());
    for (size_t i = 0; i < count; ++i) {
      sizes.push_back(&frontier[count == 1 ? frontier.size() - 1 : i * (frontier.size() - 1) / (count - 1)]);
    }
    size_t low = 0;
    size_t high = sizes.size() - 1;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (tried(*sizes[middle]).drop <= *goal_.drop) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (low + 1 == sizes.size()) require_drop(*sizes[low]);
    return *sizes[low];
  }

  void require_drop(const Allocation& allocation) {
    const double drop = tried(allocation).drop;
    if (drop <= *goal_.drop) return;
    throw Error(ErrorKind::kGate, fmt::format("the goal of a drop of {:g} points is out of reach: {} bytes lose {:.2f}",
                                              *goal_.drop, fixed_bytes_ + allocation.bytes, drop));
  }

  const Graph& reference_;
  const QuantizationSettings& settings_;
  const FitGoal& goal_;
  std::span<const Sample> samples_;
  const int threads_;
  const FitSteps& steps_;

  std::vector<Uniform> uniform_;  // the largest first
  Size largest_;
  std::vector<std::string> layers_;
  std::vector<std::vector<Form>> forms_;  // by layer, by form
  int64_t fixed_bytes_ = 0;               // of what does not depend on the choice
  double signal_ = 1;
  double base_noise_ = 0;
  std::map<std::vector<size_t>, Trial> trials_;  // by forms of layers
  FitResult result_;
};

}  // namespace

FitResult fit_bits(const Graph& reference, const QuantizationSettings& settings, const FitGoal& goal,
                   std::span<const Sample> samples, int threads, const FitSteps& steps) {
  return Fit(reference, settings, goal, samples, threads, steps).go();
}

}  // namespace tinyc
