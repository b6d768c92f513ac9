// A report as text.
#include <fmt/format.h>

#include "tinyc/base/text.h"
#include "tinyc/driver/measure.h"
#include "tinyc/driver/report.h"

namespace tinyc {
namespace {

using Align = TextTable::Align;

// What the weights take when each layer is stored in its smallest form.
std::string storage_line(const Report& report) {
  if (report.storage.empty()) return {};
  int64_t weights = 0, zeros = 0, bytes = 0;
  double entropy = 0;
  for (const StoredLayer& layer : report.storage) {
    weights += layer.weights;
    zeros += layer.zeros;
    bytes += layer.parts.total();
    entropy += layer.entropy_bytes;
  }
  const auto times = [&](int64_t of) {
    return static_cast<double>(of) / static_cast<double>(std::max<int64_t>(bytes, 1));
  };
  return fmt::format("{:<12} weights {}: {:.1f}x under float32, {:.1f}x under int8, entropy {}; {:.1f} % are 0\n",
                     "coded", format_bytes(static_cast<uint64_t>(bytes)), times(4 * weights), times(weights),
                     format_bytes(static_cast<uint64_t>(entropy)),
                     100 * static_cast<double>(zeros) / static_cast<double>(std::max<int64_t>(weights, 1)));
}

std::string share(int64_t before, int64_t after) {
  const auto bytes = [](int64_t count) { return format_bytes(static_cast<uint64_t>(count)); };
  const double ratio = after > 0 ? static_cast<double>(before) / static_cast<double>(after) : 0;
  return fmt::format("{} -> {} ({:.2f}x smaller)", bytes(before), bytes(after), ratio);
}

// What a goal chose, what it predicted, and what came out.
std::string fit_lines(const Report& report) {
  const FitResult& fit = *report.fit;
  std::map<int, std::vector<std::string>, std::greater<>> layers;
  for (const auto& [layer, bits] : fit.settings.layer_bits) layers[bits].push_back(layer);
  std::string text;
  for (const auto& [bits, names] : layers)
    text += fmt::format("{:<12} {} bits: {}\n", "chosen", bits, join(names, ", "));
  if (fit.share) text += fmt::format("{:<12} {:.1f} % pruned\n", "chosen", 100 * *fit.share);
  if (fit.settings.weight_noise > 0)
    text += fmt::format("{:<12} weight_noise {:.3g}\n", "chosen", fit.settings.weight_noise);
  text += fmt::format("{:<12} ", "goal");
  if (fit.predicted)
    text += fmt::format("{} bytes and {:.2f} dB predicted, ", fit.predicted->bytes, fit.predicted->sqnr_db);
  return text + fmt::format("{} bytes and {:.2f} dB came out\n", fit.bytes, worst_sqnr_db(report).value_or(0));
}

// Work that went with channels and heads; empty where none did.
std::string macs_line(const Report& report) {
  if (report.macs_after >= report.macs_before) return {};
  const auto count = [](int64_t macs) { return format_count(static_cast<uint64_t>(macs)); };
  const double left = static_cast<double>(report.macs_after) / static_cast<double>(report.macs_before);
  return fmt::format("{:<12} {} -> {} ({:.1f} % fewer)\n", "macs", count(report.macs_before), count(report.macs_after),
                     100 * (1 - left));
}

// What became constant and was taken out; empty when nothing was.
std::string removed_line(const Report& report) {
  const auto counter = [&](const std::string& what) {
    const auto found = report.counters.find("eliminate-constant-channels." + what);
    return found == report.counters.end() ? int64_t{0} : found->second;
  };
  if (counter("channels") == 0) return {};
  return fmt::format("{:<12} {} constant or unread channels, {} of weights\n", "removed", counter("channels"),
                     format_bytes(static_cast<uint64_t>(counter("weight_bytes"))));
}

bool was_pruned(const Report& report) {
  constexpr std::array kCounters = {"prune.zeros", "prune-channels.channels", "prune-heads.heads"};
  return std::any_of(kCounters.begin(), kCounters.end(),
                     [&](const char* name) { return report.counters.contains(name); });
}

std::string zeros_text(int64_t zeros, int64_t weights) {
  return fmt::format("{:.1f} %", weights > 0 ? 100.0 * static_cast<double>(zeros) / static_cast<double>(weights) : 0.0);
}

// Weights that are 0 in the result, be it because they were pruned or because they were rounded to it.
std::string zeros_line(const Report& report) {
  if (!was_pruned(report)) return {};
  int64_t zeros = 0, weights = 0;
  for (const LayerReport& layer : report.layers) {
    zeros += layer.zeros;
    weights += layer.weights;
  }
  return fmt::format("{:<12} {} of {} weights ({})\n", "zeros", zeros, weights, zeros_text(zeros, weights));
}

// How a layer's weights are stored, and the bytes that this takes.
void add_coding(const LayerCost& cost, std::vector<std::string>& cells) {
  cells.push_back(cost.coding);
  for (const int64_t bytes : {cost.parts.values + cost.parts.indices, cost.parts.gaps,
                              cost.parts.tables + cost.parts.codebook, cost.entropy_bytes}) {
    cells.push_back(cost.coding.empty() ? "" : std::to_string(bytes));
  }
}

std::string layer_table(const Report& report) {
  std::vector<TextTable::Column> columns = {{"layer"},
                                            {"op"},
                                            {"output"},
                                            {"macs", Align::kRight},
                                            {"weight_bytes", Align::kRight},
                                            {"bits", Align::kRight},
                                            {"sqnr_db", Align::kRight}};
  if (was_pruned(report)) columns.push_back({"zeros", Align::kRight});
  if (report.device) columns.insert(columns.end(), {{"ram", Align::kRight}, {"instructions", Align::kRight}});
  if (report.device_int8) {
    columns.insert(columns.end(), {{"constants", Align::kRight},
                                   {"int8_constants", Align::kRight},
                                   {"int8_instructions", Align::kRight},
                                   {"coding"},
                                   {"values", Align::kRight},
                                   {"gaps", Align::kRight},
                                   {"tables", Align::kRight},
                                   {"entropy", Align::kRight}});
  }
  columns.push_back({"in float because"});
  TextTable table(std::move(columns));
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const LayerReport& layer = report.layers[i];
    std::vector<std::string> cells = {layer.name,
                                      layer.op,
                                      layer.output,
                                      std::to_string(layer.macs),
                                      std::to_string(layer.weight_bytes),
                                      layer.weight_bits == 0 ? "" : std::to_string(layer.weight_bits),
                                      layer.error ? fmt::format("{:.2f}", layer.error->sqnr_db()) : ""};
    if (was_pruned(report)) cells.push_back(layer.weights == 0 ? "" : zeros_text(layer.zeros, layer.weights));
    if (report.device) {
      const LayerCost& cost = report.device->layers[i];
      cells.push_back(cost.kernel.empty() ? "" : std::to_string(cost.ram_bytes));
      cells.push_back(cost.kernel.empty() ? "" : std::to_string(cost.instructions));
    }
    if (report.device_int8) {
      const LayerCost& cost = report.device_int8->layers[i];
      cells.push_back(cost.kernel.empty() ? "" : std::to_string(report.device->layers[i].constant_bytes));
      cells.push_back(cost.kernel.empty() ? "" : std::to_string(cost.constant_bytes));
      cells.push_back(cost.kernel.empty() ? "" : std::to_string(cost.instructions));
      add_coding(report.device->layers[i], cells);
    }
    cells.push_back(layer.float_reason);
    table.add_row(std::move(cells));
  }
  return table.str();
}

// "99.9 % of elements equal, 0.1 % 1 step away".
std::string steps_text(const std::vector<int64_t>& steps) {
  int64_t total = 0;
  for (const int64_t count : steps) total += count;
  std::vector<std::string> parts;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i] == 0) continue;
    const double percent = 100.0 * static_cast<double>(steps[i]) / static_cast<double>(total);
    const std::string more = i == kMostSteps ? " or more" : "";
    parts.push_back(fmt::format("{:.4g} % {}", percent, i == 0 ? "equal" : fmt::format("{}{} off", i, more)));
  }
  return join(parts, ", ");
}

// Where the result lives: a file, or the flash and the RAM of a device.
std::string size_text(const Report& report) {
  if (!report.device) return fmt::format("{:<12} {}\n", "file", share(report.bytes_before, report.bytes_after));
  const auto bytes = [](int64_t count) { return format_bytes(static_cast<uint64_t>(count)); };
  const DeviceCost& cost = *report.device;
  std::string text = fmt::format("{:<12} {}: {} constants, {} code (predicted for {})\n", "flash",
                                 share(report.bytes_before, cost.flash_bytes()), bytes(cost.constant_bytes),
                                 bytes(cost.code_bytes), cost.target);
  text += fmt::format("{:<12} {}\n", "arena", bytes(cost.arena_bytes));
  text += fmt::format("{:<12} {} instructions (predicted for {})\n", "time",
                      format_count(static_cast<uint64_t>(cost.instructions)), cost.target);
  if (!report.device_int8) return text;
  const DeviceCost& wide = *report.device_int8;
  return text + fmt::format("{:<12} {} constants, {} code, arena {}, {} instructions\n", "as int8",
                            bytes(wide.constant_bytes), bytes(wide.code_bytes), bytes(wide.arena_bytes),
                            format_count(static_cast<uint64_t>(wide.instructions)));
}

}  // namespace

std::string to_text(const Report& report, bool layers) {
  std::string text = fmt::format("{:<12} {} -> {}\n", "model", report.model, report.output);
  text += size_text(report);
  text += fmt::format("{:<12} {}\n", "weights", share(report.weight_bytes_before, report.weight_bytes_after));
  text += macs_line(report);
  text += zeros_line(report);
  text += removed_line(report);
  text += storage_line(report);
  if (report.fit) text += fit_lines(report);
  if (!report.data.empty()) {
    text += fmt::format("{:<12} {} samples of {} ({})\n", "calibration", report.calibration_samples, report.data,
                        report.data_hash);
  }
  if (report.top1 && report.top1_float) {
    text += fmt::format("{:<12} {:.2f} % -> {:.2f} % on {} samples\n", "top1", *report.top1_float, *report.top1,
                        report.samples);
  }
  if (report.top1_agreement) text += fmt::format("{:<12} {:.2f} %\n", "agreement", *report.top1_agreement);
  for (const OutputReport& output : report.outputs) {
    text += fmt::format("{:<12} {}: SQNR {:.2f} dB, cosine {:.6f}, max error {:.4g}\n", "output", output.name,
                        output.error.sqnr_db(), output.error.cosine(), output.error.max_error);
    if (output.device_steps.empty()) continue;
    text += fmt::format("{:<12} against an ONNX runtime, in steps: {}\n", "device", steps_text(output.device_steps));
  }
  text += fmt::format("{:<12} {} of {} nodes\n", "in float", report.float_nodes.size(), report.layers.size());
  for (const GateReport& gate : report.gates) {
    text += fmt::format("{:<12} {} {:g}: {:.6g}, {}\n", "gate", gate.gate, gate.limit, gate.value,
                        gate.passed ? "passed" : "FAILED");
  }
  text += fmt::format("{:<12} {:.2f} s, {}\n", "cost", report.seconds,
                      format_bytes(static_cast<uint64_t>(report.peak_memory_bytes)));
  if (layers) text += "\n" + layer_table(report);
  return text;
}

}  // namespace tinyc
