// TypeProto and ValueInfoProto to the types of values and back.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "onnx/proto.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

// Sizes given to open dims by their symbols (ImportOptions::dims), and which of them were met.
struct DimBindings {
  std::map<std::string, int64_t, std::less<>> sizes;
  std::set<std::string, std::less<>> used;
};

// Sets type or foreign_type of the value.
void read_type(const onnx::TypeProto& proto, DimBindings& bindings, Value& value);

// The type as far as it is known; no field at all when nothing is.
onnx::ValueInfoProto to_value_info(const Value& value);
bool has_type(const Value& value);

}  // namespace tinyc
