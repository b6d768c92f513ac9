// NAME_arrays.h: weights, biases, scales, zero points and shapes as const arrays and macros, for people with a runtime
// of their own.
//
// Constants are written as the graph stores them: in the model's own order of axes, quantized where the layer computes
// on integers. Layers are listed in the order in which they run, with the names of what they read and write.
#include <fmt/core.h>

#include <set>

#include "emit/c/writer.h"
#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

std::string c_list(std::span<const int64_t> dims) {
  std::vector<std::string> parts;
  for (int64_t dim : dims) parts.push_back(std::to_string(dim));
  return parts.empty() ? "{1}" : "{" + join(parts, ", ") + "}";
}

// In the type that C has for it: bits below a byte and half floats are widened.
Tensor widened(const Tensor& tensor) {
  if (is_floating(tensor.dtype())) return Tensor::of<float>(tensor.dims(), tensor.to_float());
  if (bits_of(tensor.dtype()) >= 8) return tensor;
  const std::vector<int64_t> all = tensor.to_int64();
  if (is_signed_integer(tensor.dtype())) {
    return Tensor::of<int8_t>(tensor.dims(), std::vector<int8_t>(all.begin(), all.end()));
  }
  return Tensor::of<uint8_t>(tensor.dims(), std::vector<uint8_t>(all.begin(), all.end()));
}

class Writer {
 public:
  Writer(const Graph& graph, const CNames& names) : graph_(graph), names_(names), ids_(graph.values.size()) {}

  std::string text() {
    const std::string prefix = upper(names_.name);
    std::string text = c_banner(names_, "weights and parameters.");
    text += fmt::format(
        " *\n * Real numbers of what is stored as integers: SCALE * (q - ZERO_POINT), per channel along AXIS where "
        "there\n"
        " * are SCALES. Arrays are static: include this file once. Axes are in the order of the ONNX model.\n */\n"
        "#ifndef {0}_ARRAYS_H\n#define {0}_ARRAYS_H\n\n#include <stdint.h>\n\n",
        prefix);
    for (size_t i = 0; i < graph_.inputs.size(); ++i) text += computed("input", graph_.inputs[i]);
    for (const Node& node : graph_.nodes) text += layer(node);
    return text + "#endif\n";
  }

 private:
  // Unique among the file's names.
  const std::string& id_of(ValueId value) {
    std::string& id = ids_[index_of(value)];
    const std::string base = names_.name + "_" + c_identifier(graph_[value].name);
    for (int i = 1; id.empty(); ++i) {
      const std::string candidate = i == 1 ? base : fmt::format("{}_{}", base, i);
      if (taken_.insert(upper(candidate)).second) id = candidate;
    }
    return id;
  }

  std::string computed(std::string_view role, ValueId id) {
    const Value& value = graph_[id];
    const std::string prefix = upper(id_of(id));
    std::string text = fmt::format("/* {}: '{}' */\n", role, safe_comment(value.name));
    Dims dims;
    for (const Dim& dim : value.type.shape.dims()) dims.push_back(dim.known() ? dim.value : 1);
    text += fmt::format("#define {}_SHAPE {}\n", prefix, c_list(dims));
    const auto* params = linear_params(value);
    if (params != nullptr && params->scales.size() == 1) {
      text += fmt::format(
          "#define {0}_SCALE {1}\n#define {0}_ZERO_POINT ({2})\n#define {0}_MIN ({3})\n#define {0}_MAX ({4})\n", prefix,
          c_float(params->scales[0]), params->zero_points[0], params->q_min, params->q_max);
    }
    return text + "\n";
  }

  std::string array(std::string_view name, const Tensor& tensor) const {
    return fmt::format("static const {} {}[{}] = {{\n{}}};\n", c_type_of(tensor.dtype()), name, tensor.size(),
                       c_elements(tensor));
  }

  std::string constant(ValueId id) {
    const Value& value = graph_[id];
    if (value.constant->size() == 0 || !written_.insert(index_of(id)).second) return {};
    if (value.quant && std::holds_alternative<Codebook>(*value.quant)) {
      throw Error(ErrorKind::kModel, "constant '" + value.name + "' is a codebook, which arrays do not hold");
    }
    const Tensor tensor = widened(*value.constant);
    const std::string& name = id_of(id);
    const std::string prefix = upper(name);
    std::string text =
        fmt::format("#define {}_SHAPE {}\n#define {}_SIZE {}\n", prefix, c_list(tensor.dims()), prefix, tensor.size());
    if (value.quant) {
      const QParams& params = std::get<QParams>(*value.quant);
      const auto count = static_cast<int64_t>(params.scales.size());
      if (count == 1) {
        text += fmt::format("#define {0}_SCALE {1}\n#define {0}_ZERO_POINT ({2})\n", prefix, c_float(params.scales[0]),
                            params.zero_points[0]);
      } else {
        text += fmt::format("#define {}_AXIS {}\n", prefix, params.axis);
        text += array(name + "_scales", Tensor::of<float>({count}, params.scales));
        text += array(name + "_zero_points", Tensor::of<int32_t>({count}, params.zero_points));
      }
    }
    return text + array(name, tensor) + "\n";
  }

  std::string layer(const Node& node) {
    std::vector<std::string> reads;
    std::vector<std::string> writes;
    std::string body;
    for (ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      reads.push_back(graph_[id].name);
      if (graph_[id].constant) body += constant(id);
    }
    for (ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      writes.push_back(graph_[id].name);
      body += computed("result", id);
    }
    std::string title =
        fmt::format("{} ({}): {} -> {}", node.name, op_name(node), join(reads, ", "), join(writes, ", "));
    return "/* ---- " + safe_comment(title) + " */\n\n" + body;
  }

  const Graph& graph_;
  const CNames& names_;
  std::vector<std::string> ids_;
  std::set<std::string> taken_;
  std::set<size_t> written_;
};

}  // namespace

std::string emit_c_arrays(const Graph& graph, const CNames& names) {
  return Writer(graph, names).text();
}

}  // namespace tinyc
