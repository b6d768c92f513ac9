// Recipes as TOML text, both ways.
//
// Every complaint carries "file:line:column". Printing writes all keys in the table's order, so that the same recipe
// gives the same text; keys without a value (a gate that is off) are left out.
#include <algorithm>

#include "driver/recipe_keys.h"
#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

constexpr std::string_view kPassTable = "pass";

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line) + ":" + std::to_string(region.begin.column);
}

const RecipeKey* find_key(std::string_view table, std::string_view name) {
  const auto keys = recipe_keys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const RecipeKey& k) { return k.table == table && k.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string_view> table_names() {
  std::vector<std::string_view> names;
  for (const RecipeKey& key : recipe_keys()) {
    if (!key.table.empty() && std::find(names.begin(), names.end(), key.table) == names.end()) {
      names.push_back(key.table);
    }
  }
  names.push_back(kPassTable);
  return names;
}

[[noreturn]] void fail_unknown_key(std::string_view table, std::string_view name) {
  std::vector<std::string_view> known;
  for (const RecipeKey& key : recipe_keys()) {
    if (key.table == table) known.push_back(key.name);
  }
  if (table.empty()) {
    const auto tables = table_names();
    known.insert(known.end(), tables.begin(), tables.end());
  }
  const std::string where = table.empty() ? "" : " in [" + std::string(table) + "]";
  throw Error(ErrorKind::kUsage, "unknown key '" + std::string(name) + "'" + where, spelling_hint(name, known));
}

class Reader {
 public:
  Reader(std::string file, Recipe recipe) : file_(std::move(file)), recipe_(std::move(recipe)) {}

  Recipe read(const toml::table& root) && {
    for (const auto& [name, node] : root) {
      if (name == kPassTable) {
        read_pass_tables(node);
      } else if (const auto* table = node.as_table(); table != nullptr && find_key("", name) == nullptr) {
        at(name.source(), [&, key = std::string(name.str())] {
          const auto tables = table_names();
          if (std::find(tables.begin(), tables.end(), key) == tables.end()) fail_unknown_key("", key);
        });
        for (const auto& [key, value] : *table) read_key(name, key, value);
      } else {
        read_key("", name, node);
      }
    }
    return std::move(recipe_);
  }

 private:
  template <typename Body>
  void at(const toml::source_region& region, Body&& body) {
    with_context([&] { return place(file_, region); }, body);
  }

  void read_key(std::string_view table, const toml::key& name, const toml::node& node) {
    const RecipeKey* key = find_key(table, name.str());
    if (key == nullptr) at(name.source(), [&] { fail_unknown_key(table, name.str()); });
    at(node.source(), [&] {
      with_context([&] { return std::string(name.str()); }, [&] { key->read(recipe_, node); });
      if (key->check != nullptr) key->check(recipe_);
    });
  }

  void read_pass_tables(const toml::node& node) {
    const auto* passes = node.as_table();
    if (passes == nullptr) {
      at(node.source(), [] { throw Error(ErrorKind::kUsage, "'pass' must be a table", "write [pass.NAME]"); });
    }
    for (const auto& [name, options] : *passes) {
      const PassDef* pass = find_pass(name.str());
      at(name.source(), [&, &options = options, key = std::string(name.str())] {
        std::vector<std::string_view> known;
        for (const PassDef* def : all_passes()) known.push_back(def->name);
        if (pass == nullptr) throw Error(ErrorKind::kUsage, "unknown pass '" + key + "'", spelling_hint(key, known));
        if (!options.is_table()) throw Error(ErrorKind::kUsage, "'pass." + key + "' must be a table");
      });
      for (const auto& [key, value] : *options.as_table()) read_pass_option(*pass, key, value);
    }
  }

  void read_pass_option(const PassDef& pass, const toml::key& key, const toml::node& value) {
    at(key.source(), [&] {
      with_context([&] { return "pass '" + std::string(pass.name) + "'"; },
                   [&] {
                     const std::string name(key.str());
                     const OptionValue option = read_option(value);
                     pass.parse({{name, option}});
                     recipe_.pass_options[std::string(pass.name)][name] = option;
                   });
    });
  }

  std::string file_;
  Recipe recipe_;
};

}  // namespace

Recipe parse_recipe(std::string_view text, const std::string& file_name) {
  toml::table root;
  try {
    root = toml::parse(text, file_name);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kUsage,
                place(file_name, error.source()) + ": not valid TOML: " + std::string(error.description()));
  }
  return Reader(file_name, make_recipe()).read(root);
}

Recipe load_recipe(const std::filesystem::path& path) {
  return parse_recipe(read_file(path, kMaxTextFileBytes), path.string());
}

std::string print_recipe(const Recipe& recipe) {
  std::string text;
  std::string_view table;
  for (const RecipeKey& key : recipe_keys()) {
    const std::string value = key.write(recipe);
    if (value.empty()) continue;
    if (key.table != table) text += "\n[" + std::string(key.table) + "]\n";
    table = key.table;
    text += std::string(key.name) + " = " + value + "\n";
  }
  for (const auto& [pass, options] : recipe.pass_options) {
    if (options.empty()) continue;
    text += "\n[pass." + write_toml_key(pass) + "]\n";
    for (const auto& [name, value] : options) text += write_toml_key(name) + " = " + write_toml(value) + "\n";
  }
  return text;
}

std::vector<RecipeKeyInfo> list_recipe_keys() {
  const Recipe defaults = make_recipe();
  std::vector<RecipeKeyInfo> infos;
  for (const RecipeKey& key : recipe_keys()) {
    const std::string prefix = key.table.empty() ? "" : std::string(key.table) + ".";
    infos.push_back({prefix + std::string(key.name), key.help, key.write(defaults)});
  }
  return infos;
}

}  // namespace tinyc
