// Every pass, now and in future, keeps the contract that it declares, on every small graph; a pass that finds nothing
// to do on any of them needs a graph of its own in small_graphs.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "tinyc/emit/lower.h"
#include "tinyc/eval/program.h"
#include "tinyc/ir/verify.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

std::string describe_value(const Graph& graph, ValueId id) {
  if (id == kNoValue) return "-";
  const Value& value = graph[id];
  std::string text = value.name + ":" + to_string(value.type);
  if (value.constant) {
    const Tensor& tensor = *value.constant;
    text += "=" + std::string(name_of(tensor.dtype())) +
            std::string(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  }
  const QParams* params = value.quant ? std::get_if<QParams>(&*value.quant) : nullptr;
  if (params != nullptr) {
    text += " " + std::string(name_of(params->storage)) + " axis " + std::to_string(params->axis);
    for (size_t i = 0; i < params->scales.size(); ++i) {
      text += " " + std::to_string(params->scales[i]) + "/" + std::to_string(params->zero_points[i]);
    }
  }
  return text;
}

// Equal for equal graphs, whatever the ids.
std::string fingerprint(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    text += describe(node) + " " + std::to_string(node.attributes.size());
    for (ValueId id : node.inputs) text += " " + describe_value(graph, id);
    text += " ->";
    for (ValueId id : node.outputs) text += " " + describe_value(graph, id);
    text += "\n";
  }
  for (ValueId id : graph.inputs) text += describe_value(graph, id) + "\n";
  for (ValueId id : graph.outputs) text += describe_value(graph, id) + "\n";
  return text;
}

std::vector<Tensor> simulate(const Graph& graph, const Sample& sample) {
  Program::Options options;
  options.engine = Engine::kSimulated;
  Workspace workspace;
  return Program(graph, options).run(sample, workspace);
}

void expect_close(const Tensor& expected, const Tensor& actual) {
  ASSERT_EQ(actual.dtype(), expected.dtype());
  ASSERT_EQ(actual.dims(), expected.dims());
  if (expected.dtype() != DataType::kFloat) {
    EXPECT_TRUE(actual.same_bytes(expected));
    return;
  }
  const auto a = expected.data<float>(), b = actual.data<float>();
  float largest = 0.0F;
  for (const float x : a) largest = std::max(largest, std::abs(x));
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(b[i], a[i], 1e-4F * largest) << "element " << i;
}

// What a pass is given: a graph of its stage, and a context with all that the stages before have found.
struct Subject {
  std::string name;
  Graph graph;
  std::unique_ptr<CalibratedContext> calibrated;
};

std::vector<Subject> subjects_of(const PassDef& pass) {
  std::vector<Subject> subjects;
  for (const NamedGraph& named : float_graphs()) {
    if (pass.stage <= Stage::kRewrite) {
      const Graph packed = quantized(named.graph);
      for (auto& [form, graph] : std::vector<NamedGraph>{{"float", named.graph},
                                                         {"packed", packed},
                                                         {"QDQ", lower_to_qdq(packed)},
                                                         {"QOperator", lower_to_qoperator(packed)}}) {
        infer_types(graph);
        subjects.push_back({named.name + ", " + form, graph, std::make_unique<CalibratedContext>(named.graph)});
      }
      continue;
    }
    QuantizationSettings coded, shared;
    coded.weight_noise = 0.02;
    shared.codebook_bits = 2;
    for (const QuantizationSettings& settings : {QuantizationSettings(), coded, shared}) {
      Graph graph = folded(named.graph);
      auto calibrated = std::make_unique<CalibratedContext>(graph, settings);
      if (pass.stage > Stage::kAnnotate) run_pass(graph, "annotate", calibrated->context);
      subjects.push_back({named.name, std::move(graph), std::move(calibrated)});
    }
  }
  return subjects;
}

class PassContractTest : public ::testing::TestWithParam<const PassDef*> {};

TEST_P(PassContractTest, IsKept) {
  const PassDef& pass = *GetParam();
  bool found_work = false;
  for (Subject& subject : subjects_of(pass)) {
    SCOPED_TRACE(subject.name);
    const Graph before = subject.graph;
    run_pass(subject.graph, pass.name, subject.calibrated->context);
    ASSERT_NO_THROW(verify(subject.graph));
    // A pass that only looks at the graph counts what it has seen.
    const auto& counters = subject.calibrated->context.counters;
    const bool looked = counters.contains(std::string(pass.name) + ".looked_at");
    found_work = found_work || looked || fingerprint(subject.graph) != fingerprint(before);

    const Sample sample = random_sample(before, 5);
    const std::vector<Tensor> expected = simulate(before, sample), actual = simulate(subject.graph, sample);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      SCOPED_TRACE("output " + std::to_string(i));
      EXPECT_EQ(actual[i].type(), expected[i].type());
      EXPECT_TRUE(pass.contract != Contract::kExact || actual[i].same_bytes(expected[i]));
      if (pass.contract == Contract::kRounding) expect_close(expected[i], actual[i]);
    }
  }
  EXPECT_TRUE(found_work) << "no small graph gives this pass anything to do";
}

// A repair measures what is left of an error, so it may always find a little more.
TEST_P(PassContractTest, ASecondRunChangesNothing) {
  const PassDef& pass = *GetParam();
  if (pass.stage == Stage::kRepair) GTEST_SKIP() << "repairs go on where they stopped";
  for (Subject& subject : subjects_of(pass)) {
    SCOPED_TRACE(subject.name);
    run_pass(subject.graph, pass.name, subject.calibrated->context);
    const std::string once = fingerprint(subject.graph);
    run_pass(subject.graph, pass.name, subject.calibrated->context);
    EXPECT_EQ(fingerprint(subject.graph), once);
  }
}

std::string test_name(const ::testing::TestParamInfo<const PassDef*>& info) {
  std::string name(info.param->name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(AllPasses, PassContractTest, ::testing::ValuesIn(all_passes().begin(), all_passes().end()),
                         test_name);

}  // namespace
}  // namespace tinyc::testing
