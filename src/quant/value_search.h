// Codebooks of single values: the search that tinyc/quant/codebook_search.h describes, for one codebook.
#pragma once

#include "tinyc/quant/codebook_search.h"

namespace tinyc {

// For indices that stand for one weight each.
CodebookPoint search_values(const CodebookSearch& search, int threads);

}  // namespace tinyc
