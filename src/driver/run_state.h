// What the stages of a run hand on; compress.cpp has their order.
#pragma once

#include <string>
#include <vector>

#include "driver/batching.h"
#include "tinyc/base/error.h"
#include "tinyc/driver/compress.h"
#include "tinyc/quant/statistics.h"

namespace tinyc {

struct RunState {
  RunState(const CompressRequest& asked, Report& filled)
      : request(asked), recipe(asked.recipe), threads(resolve_threads(asked.threads)), report(filled) {}

  const CompressRequest& request;
  Recipe recipe;  // a goal changes it
  const int threads;
  Report& report;
  Graph graph;
  Graph reference;  // the float graph, with the nodes of `graph` in the same order; from stage calibrate on
  PassContext context;
  Statistics statistics;
  NoiseGains gains;

  // Errors of what is done to a graph name the model.
  template <typename Body>
  decltype(auto) naming_model(Body&& body) const {
    return with_context([&] { return request.model.string(); }, std::forward<Body>(body));
  }
  std::vector<PassTiming> run_stage(Stage stage, Graph& of, PassContext& with) const;

  // Whether tinyc can run all nodes of the model.
  bool runs_whole() const;
  // Whether weights are rounded to be coded.
  bool is_coded() const { return context.settings.weight_noise > 0 || context.settings.codebook_bits > 0; }

  void warn(std::string text);
};

}  // namespace tinyc
