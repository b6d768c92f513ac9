#include "tinyc/driver/emitters.h"

#include <algorithm>
#include <array>
#include <vector>

#include "driver/choose_program.h"
#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/emit/c.h"
#include "tinyc/emit/lower.h"
#include "tinyc/eval/integer.h"
#include "tinyc/onnx/export.h"

namespace tinyc {
namespace {

EmitResult one_file(const EmitRequest& request, std::string bytes) {
  EmitResult result;
  result.bytes = static_cast<int64_t>(bytes.size());
  result.files.push_back({request.output, std::move(bytes)});
  return result;
}

EmitResult onnx_file(const EmitRequest& request, const Graph& lowered) {
  std::string bytes = export_model(lowered);
  if (request.gather_weights) {
    std::string gathered = export_model(with_gathered_constants(lowered));
    if (gathered.size() < bytes.size()) bytes = std::move(gathered);
  }
  return one_file(request, std::move(bytes));
}

EmitResult emit_qdq(const Graph& graph, const EmitRequest& request) {
  return onnx_file(request, lower_to_qdq(graph));
}

EmitResult emit_qoperator(const Graph& graph, const EmitRequest& request) {
  return onnx_file(request, lower_to_qoperator(graph));
}

CNames c_names(const EmitRequest& request) {
  return {c_identifier(request.name.empty() ? request.model.stem().string() : request.name), request.recipe_hash};
}

EmitResult emit_c(const Graph& graph, const EmitRequest& request) {
  EmitResult result;
  result.program = choose_program(graph, request.coders, request.fast_coding, require_target(request.target),
                                  {.plain_inputs = request.plain_inputs});
  const DeviceProgram& program = *result.program;
  const CNames names = c_names(request);
  const std::string& name = names.name;
  for (const DeviceConstant& constant : program.constants) {
    result.bytes += static_cast<int64_t>(constant.data.byte_size());
  }
  result.files.push_back({request.output / (name + ".h"), emit_c_header(program, names)});
  result.files.push_back({request.output / (name + ".c"), emit_c_source(program, names)});
  if (!request.test_samples.empty()) {
    std::vector<std::vector<Tensor>> stored;
    for (const std::vector<Tensor>& sample : request.test_samples) stored.push_back(to_device(graph, program, sample));
    result.files.push_back({request.output / (name + "_test.c"), emit_c_test(program, names, stored)});
  }
  return result;
}

EmitResult emit_arrays(const Graph& graph, const EmitRequest& request) {
  const CNames names = c_names(request);
  EmitResult result;
  for (const Value& value : graph.values) {
    if (value.constant) result.bytes += static_cast<int64_t>(value.constant->byte_size());
  }
  result.files.push_back({request.output / (names.name + "_arrays.h"), emit_c_arrays(graph, names)});
  return result;
}

constexpr EmitterDef kQdq{"onnx", "ONNX with QuantizeLinear and DequantizeLinear pairs (QDQ)", false,
                          Engine::kSimulated, emit_qdq};
constexpr EmitterDef kQOperator{"onnx-qoperator", "ONNX with operators on integers (QLinearConv, QGemm, ...)", false,
                                Engine::kSimulated, emit_qoperator};
constexpr EmitterDef kC{"c", "C99 for a microcontroller: NAME.h and NAME.c, which need nothing else", true,
                        Engine::kInteger, emit_c};
constexpr EmitterDef kArrays{"c-arrays",
                             "C arrays and macros, for a runtime of your own: weights, biases, scales, shapes", true,
                             Engine::kSimulated, emit_arrays};
constexpr const EmitterDef* kEmitters[] = {&kQdq, &kQOperator, &kC, &kArrays};

}  // namespace

bool gathers_weights(std::string_view choice) {
  if (choice == "plain" || choice == "gather") return choice == "gather";
  constexpr std::array<std::string_view, 2> kChoices = {"plain", "gather"};
  throw Error(ErrorKind::kUsage, "weights of ONNX files cannot be '" + std::string(choice) + "'",
              spelling_hint(choice, kChoices));
}

std::span<const EmitterDef* const> all_emitters() {
  return kEmitters;
}

const EmitterDef& require_emitter(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kEmitters), std::end(kEmitters), [&](const auto* e) { return e->name == name; });
  if (found != std::end(kEmitters)) return **found;
  std::vector<std::string_view> names;
  for (const EmitterDef* emitter : kEmitters) names.push_back(emitter->name);
  throw Error(ErrorKind::kUsage, "emitter '" + std::string(name) + "' is not known", spelling_hint(name, names));
}

}  // namespace tinyc
