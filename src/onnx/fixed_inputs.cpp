#include "onnx/fixed_inputs.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53
constexpr int64_t kMaxFilledElements = int64_t{1} << 20;

std::optional<double> parse_number(std::string_view text) {
  if (text == "true") return 1;
  if (text == "false") return 0;
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<double> parse_numbers(std::string_view text) {
  std::vector<double> numbers;
  while (true) {
    const size_t comma = text.find(',');
    const auto number = parse_number(text.substr(0, comma));
    if (!number) {
      throw Error(ErrorKind::kUsage, "'" + std::string(text.substr(0, comma)) + "' is not a number",
                  "give a number, or as many as the input has elements: --fix sr=16000, --fix x=1,2,3");
    }
    numbers.push_back(*number);
    if (comma == std::string_view::npos) return numbers;
    text.remove_prefix(comma + 1);
  }
}

template <typename T>
Tensor tensor_of(const Dims& dims, const std::vector<double>& numbers) {
  Tensor tensor = Tensor::zeros(data_type_of<T>(), dims);
  for (size_t i = 0; i < numbers.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      const bool fits = numbers[i] >= static_cast<double>(std::numeric_limits<T>::min()) &&
                        numbers[i] <= static_cast<double>(std::numeric_limits<T>::max()) &&
                        std::floor(numbers[i]) == numbers[i] && std::abs(numbers[i]) <= kMaxExactInteger;
      if (!fits)
        throw Error(ErrorKind::kUsage, "a given number does not fit the type " + std::string(name_of(tensor.dtype())));
    }
    tensor.mutable_data<T>()[i] = static_cast<T>(numbers[i]);
  }
  return tensor;
}

Tensor fixed_tensor(const TensorType& type, std::string_view text) {
  std::vector<double> numbers = parse_numbers(text);
  const auto given = static_cast<int64_t>(numbers.size());
  Dims dims = given == 1 ? Dims{} : Dims{given};
  if (const auto known = type.shape.known_dims()) {
    dims = *known;
    const int64_t count = element_count(dims);
    if (given == 1 && count <= kMaxFilledElements) numbers.resize(static_cast<size_t>(count), numbers[0]);
  } else if (type.shape.ranked() && given == 1) {
    dims.assign(static_cast<size_t>(type.shape.rank()), 1);
  }
  if (element_count(dims) != static_cast<int64_t>(numbers.size())) {
    throw Error(ErrorKind::kUsage, std::to_string(given) + " numbers are given, expected " + to_string(dims));
  }
  switch (type.dtype) {
    case DataType::kFloat:
      return tensor_of<float>(dims, numbers);
    case DataType::kDouble:
      return tensor_of<double>(dims, numbers);
    case DataType::kInt64:
      return tensor_of<int64_t>(dims, numbers);
    case DataType::kInt32:
      return tensor_of<int32_t>(dims, numbers);
    case DataType::kInt8:
      return tensor_of<int8_t>(dims, numbers);
    case DataType::kUint8:
      return tensor_of<uint8_t>(dims, numbers);
    case DataType::kBool:
      return tensor_of<bool>(dims, numbers);
    default:
      throw Error(ErrorKind::kUsage, "an input of type " + std::string(name_of(type.dtype)) + " cannot be fixed");
  }
}

}  // namespace

bool FixedInputs::fix(Value& value) {
  const auto given = texts.find(value.name);
  if (given == texts.end()) return false;
  value.constant = with_context([&] { return "input '" + value.name + "'"; },
                                [&] { return fixed_tensor(value.type, given->second); });
  value.type = value.constant->type();
  used.insert(value.name);
  return true;
}

void FixedInputs::check(const Graph& graph) const {
  for (const auto& [name, text] : texts) {
    if (used.contains(name)) continue;
    std::vector<std::string_view> names;
    for (const ValueId id : graph.inputs) names.push_back(graph[id].name);
    throw Error(ErrorKind::kUsage, "the model has no input '" + name + "' to fix", spelling_hint(name, names));
  }
}

}  // namespace tinyc
