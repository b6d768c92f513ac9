// Optimization levels: which passes -O0 .. -O3 run, in which order.
#pragma once

#include "tinyc/driver/recipe.h"

namespace tinyc {

// Sets the pass lists. Levels: 0 quantizes the graph as it came; 1 folds what is exact and chooses ranges; 2 also
// repairs, within seconds to a minute; 3 everything.
void apply_level(int level, Recipe& recipe);

}  // namespace tinyc
