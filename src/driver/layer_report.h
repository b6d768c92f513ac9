// The layer table of a report: what each node became, and what that cost.
#pragma once

#include <vector>

#include "tinyc/driver/measure.h"
#include "tinyc/driver/report.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

// `reference` is the float graph before annotation, `packed` the same nodes with annotations and packed weights; fills
// layers, params, macs and weight bytes. float_nodes must be filled before.
void report_layers(const Graph& reference, const Graph& packed, const Comparison& measured, Report& report);

// Whether so many weights are 0 that coding them is worth looking at; after report_layers().
bool is_sparse(const Report& report);

}  // namespace tinyc
