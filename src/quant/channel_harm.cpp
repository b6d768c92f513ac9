#include "tinyc/quant/channel_harm.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "quant/channel_surgeon.h"

namespace tinyc {
namespace {

constexpr int32_t kNoPart = -1;

// Channels that go together.
class Parts {
 public:
  Parts(const FreeChannels& channels, std::span<const HarmedLayer> layers)
      : parent_(static_cast<size_t>(channels.count)) {
    std::iota(parent_.begin(), parent_.end(), 0);
    for (const HarmedLayer& layer : layers) unite_depthwise(channels.operands[layer.operand], layer.form);
    for (const ScaledOperand& gain : channels.operands) {
      for (size_t e = 0; e < gain.over.size() && !gain.is_weight; ++e) unite(gain.over[e], gain.times[e]);
    }
  }
  // kNoPart: it must stay.
  int32_t of(int32_t channel) const {
    const int32_t part = root(channel);
    return part == root(kFixedChannel) ? kNoPart : part;
  }

 private:
  int32_t root(int32_t channel) const {
    while (parent_[static_cast<size_t>(channel)] != channel) channel = parent_[static_cast<size_t>(channel)];
    return channel;
  }
  void unite(int32_t a, int32_t b) {
    const int32_t first = root(a), second = root(b);
    parent_[static_cast<size_t>(std::max(first, second))] = std::min(first, second);
  }
  // A row that reads one channel only has nothing left without it.
  void unite_depthwise(const ScaledOperand& operand, const LinearForm& form) {
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        const int32_t first = operand.over[static_cast<size_t>(form.weight_at(g, r, 0))];
        bool same = true;
        for (int64_t c = 1; same && c < form.columns; ++c) {
          same = operand.over[static_cast<size_t>(form.weight_at(g, r, c))] == first;
        }
        if (same && first != kFixedChannel) unite(first, operand.times[static_cast<size_t>(form.weight_at(g, r, 0))]);
      }
    }
  }

  std::vector<int32_t> parent_;
};

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
  Chooser(const FreeChannels& channels, std::span<const HarmedLayer> layers)
      : channels_(channels), parts_(channels, layers), gone_(static_cast<size_t>(channels.count), false) {
    for (const HarmedLayer& layer : layers) add(layer);
    for (int32_t c = 1; c < channels.count; ++c) {
      const int32_t part = parts_.of(c);
      if (part != kNoPart) members_[part].push_back(c);
    }
    for (Reader& reader : readers_) find_losses(reader);
  }

  ChannelChoice choose(double macs) {
    ChannelChoice choice;
    while (choice.macs < macs) {
      const int32_t part = best_part();
      if (part == kNoPart) break;
      choice.macs += saved_by(part);
      choice.loss += cost_of(part);
      choice.channels += static_cast<int64_t>(members_[part].size());
      remove(part);
    }
    choice.gone = gone_;
    return choice;
  }

 private:
  void add(const HarmedLayer& layer) {
    const ScaledOperand& operand = channels_.operands[layer.operand];
    const LinearForm& form = layer.form;
    const double weights = static_cast<double>(form.groups * form.rows * form.columns);
    for (int64_t g = 0; g < form.groups; ++g) {
      Reader reader{{}, {}, ChannelSurgeon(layer.errors[static_cast<size_t>(g)]), layer.power, layer.macs / weights};
      for (int64_t r = 0; r < form.rows; ++r) {
        reader.part_of_row.push_back(parts_.of(operand.times[static_cast<size_t>(form.weight_at(g, r, 0))]));
      }
      for (int64_t c = 0; c < form.columns; ++c) {
        const int32_t part = parts_.of(operand.over[static_cast<size_t>(form.weight_at(g, 0, c))]);
        reader.part_of_column.push_back(part);
        if (part != kNoPart) reader.columns[part].push_back(c);
      }
      reader.silent = layer.silent[static_cast<size_t>(g)];
      reader.row_gone.assign(reader.part_of_row.size(), false);
      reader.column_gone.assign(reader.part_of_column.size(), false);
      for (const auto& [part, columns] : reader.columns) touched_[part].push_back(readers_.size());
      for (const int32_t part : reader.part_of_row) {
        auto& touched = touched_[part];
        if (part != kNoPart && (touched.empty() || touched.back() != readers_.size()))
          touched.push_back(readers_.size());
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
    for (const size_t i : touched_.at(part)) {
      const auto found = readers_[i].loss.find(part);
      if (found != readers_[i].loss.end()) cost += found->second;
    }
    return cost;
  }

  double saved_by(int32_t part) const {
    double saved = 0;
    for (const size_t i : touched_.at(part)) {
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

  int32_t best_part() const {
    std::vector<std::pair<double, int32_t>> order;
    for (const auto& [part, members] : members_) {
      if (gone_[static_cast<size_t>(members.front())] || !touched_.contains(part)) continue;
      const double saved = saved_by(part);
      if (saved > 0) order.emplace_back(cost_of(part) / saved, part);
    }
    std::sort(order.begin(), order.end());
    const auto found = std::find_if(order.begin(), order.end(), [&](const auto& item) { return may_go(item.second); });
    return found == order.end() ? kNoPart : found->second;
  }

  void remove(int32_t part) {
    for (const int32_t channel : members_[part]) gone_[static_cast<size_t>(channel)] = true;
    for (const size_t i : touched_.at(part)) {
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

  const FreeChannels& channels_;
  Parts parts_;
  std::vector<bool> gone_;
  std::vector<Reader> readers_;
  std::vector<size_t> layer_end_;                    // by layer: its readers end here
  std::map<int32_t, std::vector<int32_t>> members_;  // by part
  std::map<int32_t, std::vector<size_t>> touched_;   // by part: readers whose rows or columns it has
};

}  // namespace

ChannelChoice choose_channels(const FreeChannels& channels, std::span<const HarmedLayer> layers, double macs) {
  return Chooser(channels, layers).choose(macs);
}

}  // namespace tinyc
