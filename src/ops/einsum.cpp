// Einsum: products of operands summed over labelled axes, "bij,bjk->bik". Labels are letters; "..." stands for all axes
// that have none, which broadcast. Without "->" the output has the ellipsis and then, in alphabetical order, the labels
// that occur once. Source: numpy.einsum, whose rules ONNX takes over.
//
// Method: one loop over the labels of the output, and in it one over the labels that are summed away, in the order of
// their first occurrence; each operand moves along a label by the sum of the strides of its axes of that label, so that
// diagonals need nothing extra. Floats are summed in double. Cost: the product of the sizes of all labels.
#include <algorithm>
#include <map>

#include "ops/common_infer.h"
#include "ops/elementwise.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"equation", ""}};

// Letters are themselves; the axes of an ellipsis are kEllipsis plus their distance from its end.
constexpr int kEllipsis = 1000;
using Labels = std::vector<int>;

struct Equation {
  std::vector<Labels> terms;
  Labels output;
};

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kModel, "attribute 'equation' " + what);
}

Labels ellipsis_of(int rank) {
  Labels labels;
  for (int i = rank; i-- > 0;) labels.push_back(kEllipsis + i);
  return labels;
}

// The labels of one term, with `ellipsis` in the place of "...".
Labels parse_term(std::string_view text, const Labels& ellipsis) {
  Labels labels;
  bool seen = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 3) == "..." && !seen) {
      labels.insert(labels.end(), ellipsis.begin(), ellipsis.end());
      seen = true;
      i += 2;
    } else if ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z')) {
      labels.push_back(text[i]);
    } else {
      fail("holds '" + std::string(1, text[i]) + "' where a label is expected");
    }
  }
  return labels;
}

std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  for (size_t start = 0;;) {
    const size_t comma = text.find(',', start);
    terms.push_back(text.substr(start, comma - start));
    if (comma == std::string_view::npos) return terms;
    start = comma + 1;
  }
}

Labels implicit_output(const std::vector<Labels>& terms, int ellipsis_rank) {
  std::map<int, int> occurrences;
  for (const Labels& term : terms) {
    for (const int label : term) ++occurrences[label];
  }
  Labels output = ellipsis_of(ellipsis_rank);
  for (const auto& [label, count] : occurrences) {
    if (label < kEllipsis && count == 1) output.push_back(label);
  }
  return output;
}

void check_output(const Equation& equation) {
  for (size_t i = 0; i < equation.output.size(); ++i) {
    const int label = equation.output[i];
    const auto has_label = [label](const Labels& term) {
      return std::find(term.begin(), term.end(), label) != term.end();
    };
    if (std::none_of(equation.terms.begin(), equation.terms.end(), has_label))
      fail("has an output label without source");
    if (std::count(equation.output.begin(), equation.output.end(), label) != 1) fail("has an output label twice");
  }
}

Equation parse(const Node& node, std::span<const int> ranks) {
  std::string text(string_attr(node, "equation"));
  std::erase(text, ' ');
  const size_t arrow = text.find("->");
  const std::vector<std::string_view> terms = split_terms(std::string_view(text).substr(0, arrow));
  if (terms.size() != ranks.size()) {
    fail("has " + std::to_string(terms.size()) + " terms for " + std::to_string(ranks.size()) + " operands");
  }
  Equation equation;
  int ellipsis_rank = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const bool open = terms[i].find("...") != std::string_view::npos;
    const int missing = ranks[i] - static_cast<int>(parse_term(terms[i], {}).size());
    if (missing < 0 || (missing > 0 && !open)) {
      fail("has term '" + std::string(terms[i]) + "' for an operand of rank " + std::to_string(ranks[i]));
    }
    ellipsis_rank = std::max(ellipsis_rank, missing);
    equation.terms.push_back(parse_term(terms[i], ellipsis_of(missing)));
  }
  equation.output = arrow == std::string::npos
                        ? implicit_output(equation.terms, ellipsis_rank)
                        : parse_term(std::string_view(text).substr(arrow + 2), ellipsis_of(ellipsis_rank));
  check_output(equation);
  return equation;
}

// The size of each label; throws where two axes of one label clash.
std::map<int, Dim> sizes_of(const Equation& equation, std::span<const Shape> shapes) {
  std::map<int, Dim> sizes;
  for (size_t i = 0; i < shapes.size(); ++i) {
    for (int axis = 0; axis < shapes[i].rank(); ++axis) {
      const int label = equation.terms[i][static_cast<size_t>(axis)];
      const auto [place, is_new] = sizes.try_emplace(label, shapes[i][axis]);
      if (!is_new) place->second = broadcast(Shape{place->second}, Shape{shapes[i][axis]})[0];
    }
  }
  return sizes;
}

void infer(InferContext& context) {
  std::vector<Shape> shapes;
  std::vector<int> ranks;
  for (int i = 0; i < context.input_count(); ++i) {
    require_same_dtype(context, i, 0);
    if (!context.shape(i).ranked()) return context.set_output(0, context.dtype(0), Shape::unranked());
    shapes.push_back(context.shape(i));
    ranks.push_back(context.shape(i).rank());
  }
  const Equation equation = parse(context.node(), ranks);
  const std::map<int, Dim> sizes = sizes_of(equation, shapes);
  Shape result;
  for (const int label : equation.output) result.push_back(sizes.at(label));
  context.set_output(0, context.dtype(0), std::move(result));
}

// A loop over some labels: how often along each, and how far each operand moves.
struct Loop {
  Dims counts;
  std::vector<Dims> steps;  // by label, by operand

  int64_t total() const { return element_count(counts); }

  // Calls visit(offsets) for each position; `offsets` (by operand) is moved along and left where it was.
  template <typename Visit>
  void run(Dims& offsets, Visit visit, size_t label = 0) const {
    if (label == counts.size()) return visit();
    for (int64_t i = 0; i < counts[label]; ++i) {
      run(offsets, visit, label + 1);
      for (size_t k = 0; k < offsets.size(); ++k) offsets[k] += steps[label][k];
    }
    for (size_t k = 0; k < offsets.size(); ++k) offsets[k] -= steps[label][k] * counts[label];
  }
};

struct Contraction {
  Loop kept, summed;
};

Contraction plan_contraction(const Node& node, std::span<const Tensor* const> operands) {
  std::vector<Shape> shapes;
  std::vector<int> ranks;
  for (const Tensor* operand : operands) {
    shapes.emplace_back(operand->dims());
    ranks.push_back(operand->rank());
  }
  const Equation equation = parse(node, ranks);
  const std::map<int, Dim> sizes = sizes_of(equation, shapes);
  Contraction plan;
  const auto add_label = [&](Loop& loop, int label) {
    loop.counts.push_back(sizes.at(label).value);
    Dims steps(operands.size(), 0);
    for (size_t i = 0; i < operands.size(); ++i) {
      const Dims strides = strides_of(operands[i]->dims());
      for (size_t axis = 0; axis < strides.size(); ++axis) {
        if (equation.terms[i][axis] == label && operands[i]->dims()[axis] != 1) steps[i] += strides[axis];
      }
    }
    loop.steps.push_back(std::move(steps));
  };
  for (const int label : equation.output) add_label(plan.kept, label);
  Labels seen = equation.output;
  for (const Labels& term : equation.terms) {
    for (const int label : term) {
      if (std::find(seen.begin(), seen.end(), label) != seen.end()) continue;
      seen.push_back(label);
      add_label(plan.summed, label);
    }
  }
  return plan;
}

using SumTypes = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;

void eval(EvalContext& context) {
  if (eval_in_float(context, eval)) return;
  std::vector<const Tensor*> operands;
  for (int i = 0; i < context.input_count(); ++i) operands.push_back(&context.input(i));
  const Contraction plan = plan_contraction(context.node(), operands);
  visit_type(SumTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;
    std::vector<const T*> data;
    for (const Tensor* operand : operands) data.push_back(operand->data<T>().data());
    T* y = context.out<T>(0).data();
    Dims offsets(operands.size(), 0);
    plan.kept.run(offsets, [&] {
      Sum sum{0};
      plan.summed.run(offsets, [&] {
        Sum product{1};
        for (size_t k = 0; k < data.size(); ++k) product *= static_cast<Sum>(data[k][offsets[k]]);
        sum += product;
      });
      *y++ = static_cast<T>(sum);
    });
  });
}

int64_t macs(const Node& node, std::span<const TensorType> inputs, std::span<const TensorType> /*outputs*/) {
  std::vector<Shape> shapes;
  std::vector<int> ranks;
  for (const TensorType& input : inputs) {
    shapes.push_back(input.shape);
    ranks.push_back(input.shape.rank());
  }
  Dims counts;
  for (const auto& [label, size] : sizes_of(parse(node, ranks), shapes)) counts.push_back(size_or_one(size));
  return element_count(counts) * (static_cast<int64_t>(inputs.size()) - 1);
}

}  // namespace

extern const OpDef k_einsum{
    .name = "Einsum",
    .inputs = {1, kMany},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .macs = macs,
    .quant = {.kind = QuantKind::kFloat, .why_float = "a general contraction has no integer kernel"},
};

}  // namespace tinyc
