// The data of a recipe, and the first half of a run for commands that stop there.
#pragma once

#include <filesystem>
#include <string>

#include "tinyc/driver/recipe.h"
#include "tinyc/eval/layerwise.h"
#include "tinyc/ir/graph.h"
#include "tinyc/quant/dataset.h"
#include "tinyc/quant/statistics.h"

namespace tinyc {

// The data at `path`, prepared as the recipe says; `limit` 0: all samples.
Dataset open_data(const Graph& graph, const std::string& path, const Recipe& recipe, int64_t limit);

// True when the recipe's calibration data are statistics of an earlier run (a .json file), not samples.
bool names_statistics(const Recipe& recipe);

// The recipe's calibration samples, at most `limit` of them (0: as the recipe says). Generated inputs where it names no
// samples, of the size that `moments` ask for.
Dataset open_calibration(const Graph& graph, const Recipe& recipe, int64_t limit, const MomentTable& moments = {});

// Of how many samples a pass may hold the activations of two runs layer by layer: as many as help and as memory allows.
int64_t samples_to_hold(const Graph& graph);
// The first samples of the data, at most `count`.
std::vector<Sample> hold_samples(Dataset& data, int64_t count);

// Statistics of the values that annotation asks for, from the recipe's data. Without data, of activations that have the
// moments that stage rewrite found.
Statistics calibrate_for(const Graph& graph, const MomentTable& moments, const Recipe& recipe, int threads);

// Statistics of every value of the model after stage rewrite: good for any quantization settings.
Statistics collect_statistics(const std::filesystem::path& path, const Recipe& recipe, int threads);

// The model after stage annotate: constants still in float.
Graph annotate_model(const std::filesystem::path& path, const Recipe& recipe, int threads);

// An annotated model after stage pack.
Graph pack_model(Graph graph, const Recipe& recipe);

}  // namespace tinyc
