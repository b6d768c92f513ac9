#include "ops/recurrent_activation.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "ops/kernels/elementwise.h"

namespace tinyc {
namespace {

using Kind = RecurrentActivation::Kind;

struct Known {
  std::string_view name;
  Kind kind;
  bool takes_alpha;
  bool takes_beta;
  float alpha;  // defaults: those of the operator of that name
  float beta;
};

constexpr Known kKnown[] = {
    {"Relu", Kind::kRelu, false, false, 0.0F, 0.0F},
    {"Tanh", Kind::kTanh, false, false, 0.0F, 0.0F},
    {"Sigmoid", Kind::kSigmoid, false, false, 0.0F, 0.0F},
    {"Affine", Kind::kAffine, true, true, 1.0F, 0.0F},
    {"LeakyRelu", Kind::kLeakyRelu, true, false, 0.01F, 0.0F},
    {"ThresholdedRelu", Kind::kThresholdedRelu, true, false, 1.0F, 0.0F},
    {"ScaledTanh", Kind::kScaledTanh, true, true, 1.0F, 1.0F},
    {"HardSigmoid", Kind::kHardSigmoid, true, true, 0.2F, 0.5F},
    {"Elu", Kind::kElu, true, false, 1.0F, 0.0F},
    {"Softsign", Kind::kSoftsign, false, false, 0.0F, 0.0F},
    {"Softplus", Kind::kSoftplus, false, false, 0.0F, 0.0F},
};

// Exporters disagree about capitals.
bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

const Known& find_known(std::string_view name) {
  const auto* found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                   [&](const Known& known) { return same_name(known.name, name); });
  if (found == std::end(kKnown)) {
    throw Error(ErrorKind::kModel, "attribute 'activations' names '" + std::string(name) + "', which is not known");
  }
  return *found;
}

template <typename Function>
void map(std::span<float> values, Function function) {
  std::transform(values.begin(), values.end(), values.begin(), function);
}

// The kernel reads up to a vector past the end of its operand, so it works on a copy in padded pieces.
void apply_kernel(kernels::Function function, std::span<float> values) {
  constexpr size_t kPiece = 256;
  constexpr size_t kPadding = 32;
  std::array<float, kPiece + kPadding> piece{};
  for (size_t at = 0; at < values.size(); at += kPiece) {
    const size_t count = std::min(kPiece, values.size() - at);
    std::copy_n(values.data() + at, count, piece.data());
    kernels::apply(function, piece.data(), static_cast<int64_t>(count), piece.data());
    std::copy_n(piece.data(), count, values.data() + at);
  }
}

}  // namespace

void RecurrentActivation::apply(std::span<float> values) const {
  const float a = alpha;
  const float b = beta;
  switch (kind) {
    case Kind::kRelu:
      return map(values, [](float x) { return std::max(x, 0.0F); });
    case Kind::kTanh:
      return apply_kernel(kernels::Function::kTanh, values);
    case Kind::kSigmoid:
      return apply_kernel(kernels::Function::kSigmoid, values);
    case Kind::kAffine:
      return map(values, [a, b](float x) { return a * x + b; });
    case Kind::kLeakyRelu:
      return map(values, [a](float x) { return x < 0.0F ? a * x : x; });
    case Kind::kThresholdedRelu:
      return map(values, [a](float x) { return x > a ? x : 0.0F; });
    case Kind::kScaledTanh:
      return map(values, [a, b](float x) { return a * std::tanh(b * x); });
    case Kind::kHardSigmoid:
      return map(values, [a, b](float x) { return std::clamp(a * x + b, 0.0F, 1.0F); });
    case Kind::kElu:
      return map(values, [a](float x) { return x < 0.0F ? a * std::expm1(x) : x; });
    case Kind::kSoftsign:
      return map(values, [](float x) { return x / (1.0F + std::abs(x)); });
    case Kind::kSoftplus:
      return map(values, [](float x) { return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0F); });
  }
}

std::vector<RecurrentActivation> recurrent_activations(const Node& node, int64_t directions,
                                                       std::span<const std::string_view> defaults) {
  const std::vector<std::string>& given = strings_attr(node, "activations");
  const size_t count = defaults.size() * static_cast<size_t>(directions);
  if (!given.empty() && given.size() != count) {
    throw Error(ErrorKind::kModel, "attribute 'activations' names " + std::to_string(given.size()) +
                                       " functions, expected " + std::to_string(count));
  }
  const auto alphas = floats_attr(node, "activation_alpha");
  const auto betas = floats_attr(node, "activation_beta");
  size_t alphas_used = 0;
  size_t betas_used = 0;
  std::vector<RecurrentActivation> activations;
  for (size_t i = 0; i < count; ++i) {
    const Known& known = find_known(given.empty() ? defaults[i % defaults.size()] : std::string_view(given[i]));
    RecurrentActivation activation{known.kind, known.alpha, known.beta};
    if (known.takes_alpha && alphas_used < alphas.size()) activation.alpha = alphas[alphas_used++];
    if (known.takes_beta && betas_used < betas.size()) activation.beta = betas[betas_used++];
    activations.push_back(activation);
  }
  return activations;
}

}  // namespace tinyc
