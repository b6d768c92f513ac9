// Builds a PassDef from a typed options struct, the table that binds its members to names, and a run function:
//
//   struct Options { int64_t rounds = 10; };
//   constexpr Opt<Options> kOptions[] = {{"rounds", &Options::rounds, "rounds over all pairs"}};
//   bool run(Graph& graph, const Options& options, PassContext& context);
//   extern constexpr PassDef k_my_pass = make_pass<Options, kOptions, run>("my-pass", "...", Contract::kExact,
//   Stage::kRewrite);
//
// A pass without options: make_pass<run>(...), with bool run(Graph&, PassContext&).
#pragma once

#include <algorithm>
#include <any>
#include <vector>

#include "tinyc/pass/context.h"
#include "tinyc/pass/pass.h"

namespace tinyc {

namespace pass_detail {

// Throws Error(kUsage): unknown option (with the nearest known one), or a value of the wrong type.
[[noreturn]] void fail_unknown_option(std::string_view given, const std::vector<OptionInfo>& known);
[[noreturn]] void fail_option_type(std::string_view name, const OptionValue& wanted);

struct NoOptions {};

template <typename Options, const auto& kTable>
std::vector<OptionInfo> describe_options() {
  static const Options defaults{};  // static: a compiler that unrolls the loop takes a local for uninitialized
  std::vector<OptionInfo> infos;
  for (const Opt<Options>& opt : kTable) {
    const OptionValue value = std::visit([&](auto member) { return OptionValue(defaults.*member); }, opt.member);
    infos.push_back({opt.name, opt.help, value});
  }
  return infos;
}

template <typename Options>
void assign(Options& options, const Opt<Options>& opt, const OptionValue& value) {
  std::visit(
      [&](auto member) {
        auto& target = options.*member;
        using T = std::decay_t<decltype(target)>;
        if (const T* same = std::get_if<T>(&value)) {
          target = *same;
        } else if (const auto* integer = std::get_if<int64_t>(&value);
                   integer != nullptr && std::is_same_v<T, double>) {
          if constexpr (std::is_same_v<T, double>) target = static_cast<double>(*integer);
        } else {
          fail_option_type(opt.name, OptionValue(target));
        }
      },
      opt.member);
}

template <typename Options, const auto& kTable>
std::any parse_options(const std::map<std::string, OptionValue>& given) {
  Options options;
  for (const auto& [name, value] : given) {
    const auto opt =
        std::find_if(std::begin(kTable), std::end(kTable), [&, &name = name](const auto& o) { return o.name == name; });
    if (opt == std::end(kTable)) fail_unknown_option(name, describe_options<Options, kTable>());
    assign(options, *opt, value);
  }
  return options;
}

}  // namespace pass_detail

template <typename Options, const auto& kTable, bool (*kRun)(Graph&, const Options&, PassContext&)>
constexpr PassDef make_pass(std::string_view name, std::string_view summary, Contract contract, Stage stage) {
  return {name,
          summary,
          contract,
          stage,
          pass_detail::describe_options<Options, kTable>,
          pass_detail::parse_options<Options, kTable>,
          [](Graph& graph, const std::any& options, PassContext& context) {
            return kRun(graph, std::any_cast<const Options&>(options), context);
          }};
}

template <bool (*kRun)(Graph&, PassContext&)>
constexpr PassDef make_pass(std::string_view name, std::string_view summary, Contract contract, Stage stage) {
  return {name,
          summary,
          contract,
          stage,
          [] { return std::vector<OptionInfo>(); },
          [](const std::map<std::string, OptionValue>& given) {
            if (!given.empty()) pass_detail::fail_unknown_option(given.begin()->first, {});
            return std::any(pass_detail::NoOptions());
          },
          [](Graph& graph, const std::any&, PassContext& context) { return kRun(graph, context); }};
}

}  // namespace tinyc
