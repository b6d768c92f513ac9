/* A firmware that classifies windows of a vibration sensor. On start it checks the model against the vectors that tinyc
 * computed; then it looks at one window. */
#include "vibration.h"

int vibration_test(void);

static uint32_t arena[(VIBRATION_ARENA_BYTES + 15) / 4 + 4];

/* The class with the highest score: scores are int8 on one grid, so bytes compare as the numbers they stand for. */
static int classify(const int8_t* window) {
  int8_t scores[VIBRATION_OUTPUT_SIZE];
  int best = 0;
  int i;
  vibration_run(window, scores, (void*)(((uintptr_t)arena + 15) & ~(uintptr_t)15));
  for (i = 1; i < VIBRATION_OUTPUT_SIZE; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  return best;
}

/* 0 when all is well, which the emulator passes on as its exit code. */
int main(void) {
  static int8_t window[VIBRATION_INPUT_SIZE];
  int i;
  int class_of_window;
  if (vibration_test() != 0) return 1;
  for (i = 0; i < VIBRATION_INPUT_SIZE; i++) window[i] = (int8_t)(i % 7 - 3 + VIBRATION_INPUT_ZERO_POINT);
  class_of_window = classify(window);
  return class_of_window >= 0 && class_of_window < VIBRATION_OUTPUT_SIZE ? 0 : 2;
}
