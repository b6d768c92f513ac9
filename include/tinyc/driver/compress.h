// One run: a float model in, a small one out. The stages and their order are in src/driver/compress.cpp and nowhere
// else.
#pragma once

#include <filesystem>

#include "tinyc/driver/recipe.h"
#include "tinyc/driver/report.h"

namespace tinyc {

struct CompressRequest {
  std::filesystem::path model;
  std::filesystem::path output;
  std::filesystem::path report;       // JSON; empty: none
  std::filesystem::path depfile;      // for Make and Ninja; empty: none
  std::filesystem::path recipe_file;  // that the recipe was made from, for the depfile; empty: none
  Recipe recipe;                      // checked
  std::string name;                   // C: of the model; empty: from its file name
  bool plain_inputs = false;          // C: images come in the model's own layout instead of channels-last
  int64_t test_vectors = 0;           // C: samples in NAME_test.c; 0: no such file
  int threads = 0;                    // 0: all processors; the result does not depend on it
};

// Writes the result and the report, all or nothing. When a gate fails, the report alone is written and Error(kGate)
// thrown. `report` is filled as far as the run came, for printing.
void compress(const CompressRequest& request, Report& report);

}  // namespace tinyc
