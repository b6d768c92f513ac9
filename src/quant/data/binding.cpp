#include "quant/data/binding.h"

#include <algorithm>
#include <optional>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

using Form = ArrayInfo::Form;

std::string quoted(const std::string& name) {
  return name.empty() ? "the array" : "array '" + name + "'";
}

bool fits(std::span<const int64_t> dims, const Shape& shape, int first_axis) {
  if (static_cast<int>(dims.size()) != shape.rank() - first_axis) return false;
  for (int axis = first_axis; axis < shape.rank(); ++axis) {
    const int64_t size = dims[static_cast<size_t>(axis - first_axis)];
    if (shape[axis].known() ? size != shape[axis].value : size < 1) return false;
  }
  return true;
}

struct Fit {
  Dims dims;
  bool has_batch;
};

// Sound has one axis; the model's other axes then are 1 or open.
Dims audio_dims(const Dims& dims, const Shape& shape) {
  Dims result(static_cast<size_t>(std::max(shape.rank() - 1, 0)), 1);
  result.push_back(dims.at(0));
  return result;
}

std::optional<Fit> fit(Dims dims, const Shape& shape) {
  if (!shape.ranked()) return Fit{std::move(dims), false};
  const bool first_is_batch = shape.rank() > 0 && (!shape[0].known() || shape[0].value == 1);
  if (first_is_batch && fits(dims, shape, 1)) return Fit{std::move(dims), true};
  if (!fits(dims, shape, 0)) return std::nullopt;
  if (!first_is_batch || dims[0] != 1) return Fit{std::move(dims), false};
  dims.erase(dims.begin());
  return Fit{std::move(dims), true};
}

std::optional<Fit> fit_sample(const InputBinding& binding, const ArrayInfo& array, const Dims& dims,
                              const Preprocess& preprocess) {
  const Shape& shape = binding.input.type.shape;
  if (array.form == Form::kAudio) return fit(audio_dims(dims, shape), shape);
  if (!binding.prepared) return fit(dims, shape);
  const Dims prepared = prepared_dims(dims, preprocess, binding.order);
  std::optional<Fit> found = fit(prepared, shape);
  if (found) check_channels(prepared, preprocess, binding.order);
  return found;
}

[[noreturn]] void refuse_dims(const InputBinding& binding, const ArrayInfo& array, const Dims& dims,
                              const Preprocess& preprocess) {
  const bool changed = binding.prepared && prepared_dims(dims, preprocess, binding.order) != dims;
  const std::string after =
      changed ? ", prepared " + to_string(std::span<const int64_t>(prepared_dims(dims, preprocess, binding.order)))
              : "";
  std::string hint;
  const bool maybe_nhwc = binding.prepared && binding.order == ChannelOrder::kKeep && dims.size() >= 3;
  InputBinding turned = binding;
  turned.order = ChannelOrder::kHwcToChw;
  if (array.form == Form::kImage || !preprocess.resize.empty() || !preprocess.crop.empty()) {
    hint = "resize and crop bring images to the model's size";
  } else if (maybe_nhwc && fit(prepared_dims(dims, preprocess, turned.order), binding.input.type.shape)) {
    hint = "the data seem to have their channels last: add --layout nhwc";
  } else if (preprocess.nhwc) {
    hint = "--layout nhwc moves the last axis to the front: leave it out if the model itself has its channels last";
  } else {
    hint = "the first axis counts samples; the others must be those of the input, with or without its batch axis";
  }
  throw Error(ErrorKind::kUsage,
              "input '" + binding.input.name + "' is " + to_string(binding.input.type) + ", but a sample of " +
                  quoted(array.name) + " is " + to_string(std::span<const int64_t>(dims)) + after,
              hint);
}

void check_dtype(const ModelInput& input, const ArrayInfo& array) {
  const DataType wanted = input.type.dtype;
  const bool both_numbers = is_integer(array.dtype) || array.dtype == DataType::kBool;
  const bool ok = is_floating(wanted)
                      ? wanted != DataType::kBfloat16 && (both_numbers || is_floating(array.dtype))
                      : (is_integer(wanted) || wanted == DataType::kBool) && bits_of(wanted) >= 8 && both_numbers;
  if (ok) return;
  throw Error(ErrorKind::kUsage,
              "input '" + input.name + "' is " + std::string(name_of(wanted)) + ", but " + quoted(array.name) +
                  " holds " + std::string(name_of(array.dtype)),
              is_integer(wanted) ? "integer inputs take integer data" : "");
}

std::string names_of(const SampleSource& source) {
  std::vector<std::string> names;
  for (const ArrayInfo& array : source.arrays()) names.push_back("'" + array.name + "'");
  return join(std::span<const std::string>(names), ", ");
}

size_t find_array(const SampleSource& source, const std::vector<ModelInput>& inputs, const ModelInput& input) {
  std::vector<size_t> others;
  for (size_t i = 0; i < source.arrays().size(); ++i) {
    const std::string& name = source.arrays()[i].name;
    if (name == input.name) return i;
    if (name != kLabels) others.push_back(i);
  }
  const bool unnamed = others.size() == 1 && source.arrays()[others[0]].name.empty();
  if (inputs.size() == 1 && others.size() == 1) return others[0];
  if (unnamed) {
    throw Error(
        ErrorKind::kUsage,
        "the model has " + std::to_string(inputs.size()) + " inputs, but the data hold one array without a name",
        "give a .npz with one array per input, or bind inputs to constants with --fix NAME=VALUE");
  }
  throw Error(
      ErrorKind::kUsage, "no array for input '" + input.name + "' in the data; they hold " + names_of(source),
      "name the arrays like the model's inputs, or bind the input to a constant with --fix " + input.name + "=VALUE");
}

void choose_order(InputBinding& binding, const ArrayInfo& array, const Dims& dims, const Preprocess& preprocess) {
  if (array.form != Form::kImage) {
    binding.order = preprocess.nhwc && binding.prepared ? ChannelOrder::kHwcToChw : ChannelOrder::kKeep;
    return;
  }
  binding.order = ChannelOrder::kHwcToChw;
  if (fit_sample(binding, array, dims, preprocess)) return;
  binding.order = ChannelOrder::kHwcToHwc;
  if (!fit_sample(binding, array, dims, preprocess)) binding.order = ChannelOrder::kHwcToChw;
}

}  // namespace

Binding bind_inputs(const SampleSource& source, const std::vector<ModelInput>& inputs, const Preprocess& preprocess) {
  Binding binding;
  const std::string prepared = preprocess.input.empty() && !inputs.empty() ? inputs[0].name : preprocess.input;
  const auto is_prepared = [&](const ModelInput& input) { return input.name == prepared; };
  if (!prepared.empty() && std::none_of(inputs.begin(), inputs.end(), is_prepared)) {
    std::vector<std::string_view> names;
    for (const ModelInput& input : inputs) names.push_back(input.name);
    throw Error(ErrorKind::kUsage, "the model has no input '" + prepared + "'", spelling_hint(prepared, names));
  }
  for (const ModelInput& input : inputs) {
    InputBinding bound;
    bound.input = input;
    bound.array = find_array(source, inputs, input);
    bound.prepared = is_prepared(input) && is_floating(input.type.dtype);
    const ArrayInfo& array = source.arrays()[bound.array];
    check_dtype(input, array);
    if (source.size() == 0) throw Error(ErrorKind::kUsage, quoted(array.name) + " has no samples");
    const Dims dims = source.dims(bound.array, 0);
    choose_order(bound, array, dims, preprocess);
    const std::optional<Fit> found = fit_sample(bound, array, dims, preprocess);
    if (!found) refuse_dims(bound, array, dims, preprocess);
    bound.has_batch = found->has_batch;
    bound.can_batch = found->has_batch && !input.type.shape[0].known();
    binding.inputs.push_back(std::move(bound));
  }
  for (size_t i = 0; i < source.arrays().size(); ++i) {
    const bool taken = std::any_of(binding.inputs.begin(), binding.inputs.end(),
                                   [&](const InputBinding& bound) { return bound.array == i; });
    if (source.arrays()[i].name == kLabels && !taken) binding.labels = static_cast<int>(i);
  }
  return binding;
}

Dims fitted_dims(const InputBinding& binding, const ArrayInfo& array, const Dims& dims, const Preprocess& preprocess) {
  std::optional<Fit> found = fit_sample(binding, array, dims, preprocess);
  if (!found || found->has_batch != binding.has_batch) refuse_dims(binding, array, dims, preprocess);
  return std::move(found->dims);
}

}  // namespace tinyc
