// What the integer weights of a model take when each layer is stored in its smallest form.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tinyc/coding/coder.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

struct StoredLayer {
  std::string name;          // of the node
  int64_t weights = 0;       // int8 or narrower; a float32 takes four times as many bytes, an int8 as many
  int64_t zeros = 0;         // of them
  int64_t levels = 0;        // different integers among them
  std::string coding;        // "int8", "int4", "int2", or a coder's name
  ByteParts parts;           // in that form
  double entropy_bytes = 0;  // order 0: the bound of coders that only know how often each level occurs
};

// The layers of a graph with packed weights that have integers to store, in its order; a weight that several nodes read
// counts for the first. Scales and biases are not among the bytes.
std::vector<StoredLayer> stored_layers(const Graph& packed);

// What a file with each weight in its smallest form would have less than one that holds them as they are.
int64_t bytes_saved_by_coding(const Graph& packed);

// Of weights as they are stored, or in their smallest form; by node.
std::map<std::string, int64_t> bytes_by_layer(const Graph& packed, bool coded);

}  // namespace tinyc
