/* The sizes and factors of a recurrent layer, drawn: those of an LSTM (kind 0) or of a GRU, whose reset comes behind
 * the product (kind 2) or before it. */
#ifndef TINYC_TESTS_RECURRENT_LAYER_H
#define TINYC_TESTS_RECURRENT_LAYER_H

#include "harness.h"

static int32_t steps, inputs, hidden, gates, reverse, linear, x_factor, h_factor, shift, y_step;

static void draw_layer(int32_t kind, int32_t most_steps, int32_t most) {
  gates = kind == 0 ? 4 : 3;
  linear = kind == 2;
  reverse = pick(0, 1);
  steps = pick(1, most_steps);
  inputs = pick(1, most);
  hidden = pick(1, most);
  y_step = hidden + pick(0, 2);
  shift = pick(1, 5);
  x_factor = 1 << pick(0, shift + 2);
  h_factor = 1 << pick(0, shift - 1);
}

#endif
