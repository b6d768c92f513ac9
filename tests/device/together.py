#!/usr/bin/env python3
"""Two emitted models link into one program and compute what each computes alone, on every target; and one model runs on
two threads at a time, each with its own arena, under the thread sanitizer.

    together.py TINYC
"""
import sys
import tempfile
from pathlib import Path

import emitted
import rig

MODELS = ("shapes", "vibration")
VECTORS = 3

TWO_MODELS = """#include "harness.h"
int {0}_test(void);
int {1}_test(void);
int main(void) {{
  check({0}_test() == 0, "{0}");
  check({1}_test() == 0, "{1}");
  check({0}_test() == 0, "{0} again");
  return finish();
}}
"""

TWO_THREADS = """#include <pthread.h>
#include "{0}.h"
#include "harness.h"
enum {{ kRuns = 20 }};
typedef struct {{
  __attribute__((aligned(16))) uint8_t arena[{1}_ARENA_BYTES + 16];
  int8_t input[{1}_INPUT_BYTES], expected[{1}_OUTPUT_BYTES];
  int wrong;
}} Work;
static void* work(void* data) {{
  Work* mine = (Work*)data;
  for (int run = 0; run < kRuns; run++) {{
    int8_t output[{1}_OUTPUT_BYTES];
    {0}_run(mine->input, output, mine->arena);
    for (size_t i = 0; i < sizeof output; i++) mine->wrong += output[i] != mine->expected[i];
  }}
  return NULL;
}}
int main(void) {{
  static Work works[2];
  pthread_t threads[2];
  for (int t = 0; t < 2; t++) {{
    for (size_t i = 0; i < sizeof works[t].input; i++) works[t].input[i] = random_s8();
    {0}_run(works[t].input, works[t].expected, works[t].arena);
  }}
  for (int t = 0; t < 2; t++) check(pthread_create(&threads[t], NULL, work, &works[t]) == 0, "start");
  for (int t = 0; t < 2; t++) check(pthread_join(threads[t], NULL) == 0 && works[t].wrong == 0, "thread");
  return finish();
}}
"""


def run_two_models(target, sources, folder):
    target.require()
    driver = Path(folder, "driver.c")
    driver.write_text(TWO_MODELS.format(*MODELS))
    files = [driver] + [sources / f"{name}{part}.c" for name in MODELS for part in ("", "_test")]
    return target.run(target.build(files, folder, ["-O2", "-DTINYC_NO_MAIN", "-I", sources]), folder)


def run_two_threads(name, sources, folder):
    target = rig.Target("host-clang")
    target.require()
    target.flags = ["-g1", "-pthread", "-fsanitize=thread"]
    driver = Path(folder, "threads.c")
    driver.write_text(TWO_THREADS.format(name, name.upper()))
    return target.run(target.build([driver, sources / f"{name}.c"], folder, ["-O2", "-I", sources]), folder)


def attempt(what, run):
    """Whether it passed; true as well where it cannot run here."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = run(folder)
        except rig.Missing as missing:
            print(f"{what}: skipped: {missing}")
            return True
        except rig.Broken as broken:
            print(f"{what}: {broken}")
            return False
    print(f"{what}: {'ok' if result.exit_code == 0 else f'exit code {result.exit_code}: {result.output}'}", flush=True)
    return result.exit_code == 0


def main():
    tinyc = sys.argv[1]
    if not emitted.can_emit(tinyc):
        print("skipped: this tinyc emits no C")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        for name in MODELS:
            emitted.emit(tinyc, emitted.models()[name], sources, VECTORS)
        passed = [attempt(f"two models, {name}", lambda build, name=name: run_two_models(rig.Target(name), sources, build))
                  for name in rig.TARGETS]
        passed += [attempt(f"two threads, {name}", lambda build, name=name: run_two_threads(name, sources, build))
                   for name in MODELS]
    return 0 if all(passed) else 1


sys.exit(main())
