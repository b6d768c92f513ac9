#include "tinyc/quant/channel_harm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "quant/channel_surgeon.h"

namespace tinyc {
namespace {

// One group of a layer as parts see it.
struct Reader {
  std::vector<int32_t> part_of_row;
  std::map<int32_t, std::vector<int64_t>> columns;  // by part
  ChannelSurgeon surgeon;
  double power;
  double macs_of_weight;
  std::vector<int32_t> part_of_column = {};
  std::vector<bool> silent = {};  // by column
  std::vector<bool> row_gone = {}, column_gone = {};
  std::map<int32_t, double> loss = {};  // by part
};

class Chooser {
 public:
  Chooser(int32_t parts, std::span<const HarmedLayer> layers)
      : gone_(static_cast<size_t>(parts), false), touched_(static_cast<size_t>(parts)) {
    for (const HarmedLayer& layer : layers) add(layer);
    for (Reader& reader : readers_) find_losses(reader);
  }

  PartChoice choose(const HarmGoal& goal, const FinalJudge& judge) {
    PartChoice choice;
    while (choice.macs < goal.macs && choice.parts < goal.parts) {
      const std::vector<Finalist> best = best_parts(goal.focus, judge ? goal.finalists : 1);
      if (best.empty()) break;
      const bool is_free = cost_of(best[0].part) <= 0;
      const int32_t part = best[is_free || best.size() == 1 ? 0 : judge(best, gone_)].part;
      choice.macs += saved_by(part);
      choice.loss += cost_of(part);
      ++choice.parts;
      remove(part);
    }
    choice.gone = gone_;
    return choice;
  }

 private:
  std::vector<size_t>& touched(int32_t part) { return touched_[static_cast<size_t>(part)]; }
  const std::vector<size_t>& touched(int32_t part) const { return touched_[static_cast<size_t>(part)]; }

  void add(const HarmedLayer& layer) {
    const LinearForm& form = layer.form;
    const double weights = static_cast<double>(form.groups * form.rows * form.columns);
    for (size_t g = 0; g < static_cast<size_t>(form.groups); ++g) {
      Reader reader{layer.part_of_row[g],
                    {},
                    ChannelSurgeon(layer.errors[g]),
                    layer.power,
                    layer.macs / weights,
                    layer.part_of_column[g],
                    layer.silent[g]};
      for (size_t c = 0; c < reader.part_of_column.size(); ++c) {
        const int32_t part = reader.part_of_column[c];
        if (part != kNoPart) reader.columns[part].push_back(static_cast<int64_t>(c));
      }
      reader.row_gone.assign(reader.part_of_row.size(), false);
      reader.column_gone.assign(reader.part_of_column.size(), false);
      for (const auto& [part, columns] : reader.columns) touched(part).push_back(readers_.size());
      for (const int32_t part : reader.part_of_row) {
        if (part != kNoPart && (touched(part).empty() || touched(part).back() != readers_.size())) {
          touched(part).push_back(readers_.size());
        }
      }
      readers_.push_back(std::move(reader));
    }
    layer_end_.push_back(readers_.size());
  }

  // A reader of which all rows go with the part loses nothing by it.
  static void find_losses(Reader& reader) {
    for (const auto& [part, columns] : reader.columns) {
      if (reader.column_gone[static_cast<size_t>(columns.front())]) continue;
      const bool silent = std::all_of(columns.begin(), columns.end(),
                                      [&](int64_t column) { return reader.silent[static_cast<size_t>(column)]; });
      const bool alone = std::all_of(reader.part_of_row.begin(), reader.part_of_row.end(),
                                     [part = part](int32_t row) { return row == part; });
      reader.loss[part] = silent || alone || reader.power <= 0 ? 0.0 : reader.surgeon.loss(columns) / reader.power;
    }
  }

  double cost_of(int32_t part) const {
    double cost = 0;
    for (const size_t i : touched(part)) {
      const auto found = readers_[i].loss.find(part);
      if (found != readers_[i].loss.end()) cost += found->second;
    }
    return cost;
  }

  double saved_by(int32_t part) const {
    double saved = 0;
    for (const size_t i : touched(part)) {
      const Reader& reader = readers_[i];
      int64_t rows = 0, own_rows = 0, columns = 0, own_columns = 0;
      for (size_t r = 0; r < reader.row_gone.size(); ++r) {
        if (reader.row_gone[r]) continue;
        ++(reader.part_of_row[r] == part ? own_rows : rows);
      }
      for (size_t c = 0; c < reader.column_gone.size(); ++c) {
        if (reader.column_gone[c]) continue;
        ++(reader.part_of_column[c] == part ? own_columns : columns);
      }
      saved += reader.macs_of_weight * static_cast<double>(own_rows * (columns + own_columns) + rows * own_columns);
    }
    return saved;
  }

  // Whether every layer that the part's rows are in has others left.
  bool may_go(int32_t part) const {
    size_t first = 0;
    for (const size_t end : layer_end_) {
      bool has_own = false, has_other = false;
      for (size_t i = first; i < end; ++i) {
        for (size_t r = 0; r < readers_[i].row_gone.size(); ++r) {
          if (!readers_[i].row_gone[r]) (readers_[i].part_of_row[r] == part ? has_own : has_other) = true;
        }
      }
      if (has_own && !has_other) return false;
      first = end;
    }
    return true;
  }

  std::vector<Finalist> best_parts(double focus, size_t count) const {
    std::vector<std::pair<double, Finalist>> order;
    for (int32_t part = 0; part < static_cast<int32_t>(gone_.size()); ++part) {
      if (gone_[static_cast<size_t>(part)] || touched(part).empty()) continue;
      const double saved = saved_by(part);
      if (saved > 0) order.push_back({cost_of(part) / std::pow(saved, focus), {part, saved}});
    }
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Finalist> best;
    for (size_t i = 0; i < order.size() && best.size() < count; ++i) {
      if (may_go(order[i].second.part)) best.push_back(order[i].second);
    }
    return best;
  }

  void remove(int32_t part) {
    gone_[static_cast<size_t>(part)] = true;
    for (const size_t i : touched(part)) {
      Reader& reader = readers_[i];
      for (size_t r = 0; r < reader.part_of_row.size(); ++r) {
        if (reader.part_of_row[r] != part) continue;
        reader.surgeon.drop_row(static_cast<int64_t>(r));
        reader.row_gone[r] = true;
      }
      const auto own = reader.columns.find(part);
      if (own != reader.columns.end()) {
        reader.surgeon.remove(own->second);
        for (const int64_t column : own->second) reader.column_gone[static_cast<size_t>(column)] = true;
        reader.loss.erase(part);
      }
      find_losses(reader);
    }
  }

  std::vector<bool> gone_;  // by part
  std::vector<Reader> readers_;
  std::vector<size_t> layer_end_;             // by layer: its readers end here
  std::vector<std::vector<size_t>> touched_;  // by part: readers whose rows or columns it has
};

}  // namespace

PartChoice choose_parts(int32_t parts, std::span<const HarmedLayer> layers, const HarmGoal& goal,
                        const FinalJudge& judge) {
  return Chooser(parts, layers).choose(goal, judge);
}

}  // namespace tinyc
