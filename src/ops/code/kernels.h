// All device kernels, as C++ sees them: they are C, whose casts our own warnings would refuse.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "rt/add_s8.h"
#include "rt/average_pool_s8.h"
#include "rt/binary_f32.h"
#include "rt/conv_f32.h"
#include "rt/conv_s8.h"
#include "rt/dense_s8.h"
#include "rt/depthwise3x3_s8.h"
#include "rt/depthwise_s8.h"
#include "rt/layer_norm_s8.h"
#include "rt/map_f32.h"
#include "rt/matmul_f32.h"
#include "rt/matmul_s8.h"
#include "rt/max_pool_s8.h"
#include "rt/move_f32.h"
#include "rt/move_s8.h"
#include "rt/mul_s8.h"
#include "rt/normalize_f32.h"
#include "rt/pointwise_s8.h"
#include "rt/pool_f32.h"
#include "rt/recurrent_f32.h"
#include "rt/softmax_s8.h"
#include "rt/table_s8.h"
#pragma GCC diagnostic pop
