// A pass: a function on a graph with a declared contract, one constant struct in src/passes/NAME.cpp and one line in
// src/passes/pass_list.inc. A pass keeps no state between runs, reads no globals, and never includes another pass.
//
// Its options are a plain struct and a table that binds names to members: recipe parsing, --help, docs and checks of
// names and types come from the table.
#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "tinyc/ir/graph.h"

namespace tinyc {

// What a pass may do to the numbers of the float model; a property test holds every pass to it.
enum class Contract : uint8_t {
  kExact,     // the same bits
  kRounding,  // float rounding only: relative error within 1e-4
  kLossy,     // more; says how much in its report lines
};

// The stages of a run, in order (see docs/architecture.md). A pass belongs to one.
enum class Stage : uint8_t { kNormalize, kRewrite, kPrune, kAnnotate, kRepair, kPack };
std::string_view name_of(Stage stage);

struct PassContext;  // pass/context.h: calibration data, statistics, quantization settings, report lines

template <typename Options>
struct Opt {
  std::string_view name;
  std::variant<int64_t Options::*, double Options::*, bool Options::*, std::string Options::*> member;
  std::string_view help;
};

using OptionValue = std::variant<bool, int64_t, double, std::string>;
struct OptionInfo {
  std::string_view name;
  std::string_view help;
  OptionValue default_value;
};

struct PassDef {
  std::string_view name;     // "fold-batchnorm": passes/fold_batchnorm.cpp
  std::string_view summary;  // one line, for `tinyc list passes`
  Contract contract;
  Stage stage;
  std::vector<OptionInfo> (*options)();
  // Throws Error(kUsage) for a name or a type that does not fit, with a spelling hint.
  std::any (*parse)(const std::map<std::string, OptionValue>& given);
  // True when the graph changed.
  bool (*run)(Graph& graph, const std::any& options, PassContext& context);
};

std::span<const PassDef* const> all_passes();
const PassDef* find_pass(std::string_view name);  // null when unknown

}  // namespace tinyc
