// The end of a run: what came out is measured, predicted and written.
#pragma once

#include "driver/run_state.h"
#include "tinyc/driver/emitters.h"

namespace tinyc {

// What decides how large the emitted model is.
EmitRequest emit_request(const RunState& run);

// The error, layer by layer and end to end, and all else that the report says of the packed graph.
void measure_result(RunState& run);

// With test vectors, where they are asked for.
EmitResult emit_result(const RunState& run);

// On the target: of the program, and where its weights are narrow or may be coded, of one with plain int8 weights.
void predict_costs(RunState& run, const DeviceProgram& program);

std::string hash_files(const std::vector<OutputFile>& files);

// The files, unless a gate failed, and the report: all or nothing.
void write_result(const RunState& run, const std::vector<OutputFile>& outputs);

}  // namespace tinyc
