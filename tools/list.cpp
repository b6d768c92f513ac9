// tinyc list: the tables of ops, passes, observers, emitters, presets, recipe keys, targets, criteria and coders, for
// people and as Markdown for the docs.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "command.h"
#include "flags.h"
#include "tinyc/base/text.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/presets.h"
#include "tinyc/driver/recipe.h"
#include "tinyc/driver/targets.h"
#include "tinyc/ops/code.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/pass.h"
#include "tinyc/quant/observer.h"
#include "tinyc/quant/pruning.h"
#include "usage.h"

namespace tinyc {
namespace {

struct Table {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
};

std::string quantized_form(const QuantTraits& traits) {
  switch (traits.kind) {
    case QuantKind::kFloat:
      return "float: " + std::string(traits.why_float.empty() ? "has no integer form" : traits.why_float);
    case QuantKind::kCompute:
      return "integers";
    case QuantKind::kSameAsInput:
      return "integers, keeps its input's scale";
    case QuantKind::kShared:
      return "integers, one scale for all operands";
    case QuantKind::kFixedRange:
      return fmt::format("integers, range [{}, {})", traits.low, traits.high);
    case QuantKind::kClamp:
      return "folds into its producer's range";
    case QuantKind::kWeightsOnly:
      return "float, weights as integers";
  }
  return {};
}

Table list_ops() {
  Table table{{"op", "quantized", "device"}, {}};
  for (const OpDef* op : all_ops()) {
    const std::string domain = op->domain.empty() ? "" : std::string(op->domain) + ".";
    table.rows.push_back({domain + std::string(op->name), quantized_form(op->quant), std::string(device_form(*op))});
  }
  return table;
}

std::string print(const OptionValue& value) {
  struct Printer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return "\"" + v + "\""; }
  };
  return std::visit(Printer(), value);
}

Table list_passes() {
  constexpr std::string_view kContracts[] = {"exact", "rounding", "lossy"};
  Table table{{"pass", "stage", "contract", "what it does", "options"}, {}};
  for (const PassDef* pass : all_passes()) {
    std::vector<std::string> options;
    for (const OptionInfo& option : pass->options()) {
      options.push_back(std::string(option.name) + " = " + print(option.default_value));
    }
    table.rows.push_back({std::string(pass->name), std::string(name_of(pass->stage)),
                          std::string(kContracts[static_cast<size_t>(pass->contract)]), std::string(pass->summary),
                          join(options, ", ")});
  }
  return table;
}

Table list_observers() {
  Table table{{"observer", "how it chooses a range", "parameter"}, {}};
  for (const ObserverDef* observer : all_observers()) {
    const std::string parameter =
        observer->parameter.empty() ? "" : fmt::format("{} = {}", observer->parameter, observer->default_parameter);
    table.rows.push_back({std::string(observer->name), std::string(observer->summary), parameter});
  }
  return table;
}

Table list_criteria() {
  Table table{{"criterion", "what a weight costs"}, {}};
  for (const CriterionDef* criterion : all_criteria()) {
    table.rows.push_back({std::string(criterion->name), std::string(criterion->summary)});
  }
  return table;
}

Table list_emitters() {
  Table table{{"emitter", "what it writes"}, {}};
  for (const EmitterDef* emitter : all_emitters()) {
    table.rows.push_back({std::string(emitter->name), std::string(emitter->summary)});
  }
  return table;
}

Table list_coders() {
  Table table{{"coder", "what it does"}, {}};
  for (const CoderDef* coder : all_coders()) {
    table.rows.push_back({std::string(coder->name), std::string(coder->summary)});
  }
  return table;
}

Table list_targets() {
  Table table{{"target", "kernels", "measured with"}, {}};
  for (const TargetDef* target : all_targets()) {
    table.rows.push_back(
        {std::string(target->name), std::string(target->summary), "gcc -O2 " + std::string(target->flags)});
  }
  return table;
}

Table list_presets() {
  Table table{{"preset", "what it sets"}, {}};
  for (const Preset& preset : all_presets()) {
    table.rows.push_back({std::string(preset.name), std::string(preset.summary)});
  }
  return table;
}

Table list_recipe() {
  Table table{{"key", "default", "meaning"}, {}};
  for (const RecipeKeyInfo& key : list_recipe_keys()) {
    table.rows.push_back({key.key, key.default_value, std::string(key.help)});
  }
  return table;
}

struct Topic {
  std::string_view name;
  Table (*list)();
};

constexpr Topic kTopics[] = {{"ops", list_ops},           {"passes", list_passes},     {"observers", list_observers},
                             {"emitters", list_emitters}, {"presets", list_presets},   {"recipe", list_recipe},
                             {"targets", list_targets},   {"criteria", list_criteria}, {"coders", list_coders}};

std::string to_markdown(const Table& table) {
  const auto row = [](const std::vector<std::string>& cells) { return "| " + join(cells, " | ") + " |\n"; };
  std::string text = row(table.titles) + "|";
  for (size_t i = 0; i < table.titles.size(); ++i) text += "---|";
  text += "\n";
  for (const auto& cells : table.rows) text += row(cells);
  return text;
}

std::string to_json(const Table& table) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& cells : table.rows) {
    nlohmann::ordered_json& row = list.emplace_back();
    for (size_t i = 0; i < cells.size(); ++i) row[table.titles[i]] = cells[i];
  }
  return list.dump(2) + "\n";
}

std::string to_text(const Table& table) {
  std::vector<TextTable::Column> columns;
  for (const std::string& title : table.titles) columns.push_back({title});
  TextTable text(std::move(columns));
  for (const auto& cells : table.rows) text.add_row(cells);
  return text.str();
}

}  // namespace

RunCommand declare_list(CLI::App& app) {
  struct Flags {
    std::string topic;
    bool markdown = false;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  std::vector<std::string_view> names;
  for (const Topic& topic : kTopics) names.push_back(topic.name);
  app.add_option("WHAT", flags->topic, join(names, ", "))->required()->type_name("");
  app.add_flag("--markdown", flags->markdown, "print a Markdown table");
  declare_json(app, flags->json);
  return [flags, names] {
    require_one_of("WHAT", flags->topic, names);
    const auto topic =
        std::find_if(std::begin(kTopics), std::end(kTopics), [&](const Topic& t) { return t.name == flags->topic; });
    const Table table = topic->list();
    fmt::print("{}", flags->json ? to_json(table) : flags->markdown ? to_markdown(table) : to_text(table));
  };
}

}  // namespace tinyc
