// What the values of recipe keys may be: one function a key. Each throws Error(kUsage), with a hint where there is one.
#pragma once

#include "tinyc/driver/recipe.h"

namespace tinyc {

void check_observer(const Recipe& recipe);
void check_weight_observer(const Recipe& recipe);
void check_weight_bits(const Recipe& recipe);
void check_weight_block(const Recipe& recipe);
void check_layer_bits(const Recipe& recipe);
void check_weight_noise(const Recipe& recipe);
void check_codebook_bits(const Recipe& recipe);
void check_codebook_vector(const Recipe& recipe);
void check_codebook_groups(const Recipe& recipe);
void check_emit(const Recipe& recipe);
void check_max_drop(const Recipe& recipe);
void check_max_bytes(const Recipe& recipe);
void check_target(const Recipe& recipe);
void check_weight_coder(const Recipe& recipe);
void check_onnx_weights(const Recipe& recipe);
void check_max_ram(const Recipe& recipe);
void check_max_flash(const Recipe& recipe);
void check_max_samples(const Recipe& recipe);
void check_fit(const Recipe& recipe);
void check_fit_prune(const Recipe& recipe);

}  // namespace tinyc
