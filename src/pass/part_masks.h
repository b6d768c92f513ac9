// What it means for the weights of a model that parts of it go (structures; see quant/structures.h): the rows and
// columns of layers that belong to each, and the elements that are then 0.
#pragma once

#include <span>
#include <vector>

#include "pass/measured_layers.h"
#include "pass/part_table.h"

namespace tinyc {

// Rows belong to parts by the axes of the weights that results have, columns by those that are summed over.
void find_parts(const Graph& graph, const PartTable& table, MeasuredLayer& measured);

// Holds what makes or reads the parts that go (`gone`: by part) at 0, in masks and in the graph: weights of layers,
// what sums add to their results, and biases, those too that are made later.
void hold_parts(Graph& graph, WeightMasks& masks, const PartTable& table, std::span<const MeasuredLayer> layers,
                const std::vector<bool>& gone);

// Marks what reads these structures. What is 0 on all data changes nothing until it is cut out.
void mark_unread(const Graph& graph, std::span<const Structure> structures, const std::vector<bool>& gone,
                 WeightMasks& unread);

}  // namespace tinyc
