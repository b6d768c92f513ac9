// The device decoders, as C++ sees them: they are C, whose casts our own warnings would refuse.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "rt/arithmetic_s8.h"
#include "rt/codebook_s8.h"
#include "rt/huffman_s8.h"
#include "rt/relative_s8.h"
#include "rt/sparse_s8.h"
#pragma GCC diagnostic pop
