#include "tinyc/driver/report.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {

std::optional<double> worst_sqnr_db(const Report& report) {
  std::optional<double> worst;
  for (const OutputReport& output : report.outputs) {
    const double sqnr = output.error.sqnr_db();
    worst = worst ? std::min(*worst, sqnr) : sqnr;
  }
  return worst;
}

void fail_without_labels(std::string_view what) {
  throw Error(ErrorKind::kUsage, std::string(what) + " needs labels, and the data has none",
              "add an array 'labels' to the data, or name other data with --eval-data");
}

void judge(const Gates& gates, Report& report) {
  if (gates.max_drop) {
    if (!report.top1 || !report.top1_float) fail_without_labels("gate max_drop");
    const double drop = *report.top1_float - *report.top1;
    report.gates.push_back({"max_drop", *gates.max_drop, drop, drop <= *gates.max_drop});
  }
  if (gates.max_bytes) {
    const auto bytes = static_cast<double>(report.bytes_after);
    const auto limit = static_cast<double>(*gates.max_bytes);
    report.gates.push_back({"max_bytes", limit, bytes, bytes <= limit});
  }
  const auto judge_memory = [&](const char* gate, int64_t most, int64_t value, int64_t LayerCost::*of_layer) {
    report.gates.push_back({gate, static_cast<double>(most), static_cast<double>(value), value <= most,
                            heaviest_layers(*report.device, of_layer)});
  };
  if (gates.max_ram) judge_memory("max_ram", *gates.max_ram, report.device->arena_bytes, &LayerCost::ram_bytes);
  if (gates.max_flash) {
    judge_memory("max_flash", *gates.max_flash, report.device->flash_bytes(), &LayerCost::constant_bytes);
  }
  if (gates.min_sqnr) {
    const std::optional<double> worst = worst_sqnr_db(report);
    if (!worst) {
      throw Error(ErrorKind::kUsage, "gate min_sqnr needs a model with float outputs that tinyc can run");
    }
    report.gates.push_back({"min_sqnr", *gates.min_sqnr, *worst, *worst >= *gates.min_sqnr});
  }
}

void require_gates(const Report& report) {
  std::vector<std::string> failed;
  for (const GateReport& gate : report.gates) {
    if (gate.passed) continue;
    const std::string most = gate.most.empty() ? "" : ", most in " + gate.most;
    failed.push_back(fmt::format("{} is {:.10g}, the result has {:.10g}{}", gate.gate, gate.limit, gate.value, most));
  }
  if (failed.empty()) return;
  throw Error(ErrorKind::kGate, "gate failed: " + join(failed, "; "), "nothing was written but the report");
}

int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

}  // namespace tinyc
