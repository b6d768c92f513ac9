#!/usr/bin/env python3
"""Coded weights that have changed in flash: NAME_check tells of every change, and NAME_run stays within its buffers.

    damaged.py TINYC

Bits of the streams are flipped, one at a time and many at once, in programs built with the sanitizers of this machine.
"""
import re
import sys
import tempfile
from pathlib import Path

import emitted
import rig

MODELS = ("shapes_coded", "shapes_sparse", "gestures_sparse")
STREAM = re.compile(r"static const (uint8_t (\w+_(?:weights|w|r)(?:_\d+)?)\[(\d+)\])")

PROGRAM = """#include "{name}.h"

#include "harness.h"

{declarations}
static struct {{
  uint8_t *bytes;
  uint32_t count;
}} streams[] = {{{streams}}};
static int8_t input[{macro}_INPUT_BYTES], output[{macro}_OUTPUT_BYTES];
static uint64_t arena[{macro}_ARENA_BYTES / 8 + 2];

static void flip(uint32_t seed, uint32_t bits) {{
  const uint32_t count = (uint32_t)(sizeof streams / sizeof streams[0]);
  harness_state = seed;
  for (; bits > 0; bits--) {{
    const uint32_t stream = next_random() % count;
    const uint32_t at = next_random() % streams[stream].count;
    streams[stream].bytes[at] ^= (uint8_t)(1U << (next_random() & 7U));
  }}
}}

int main(void) {{
  void *const aligned = (void *)(((uintptr_t)arena + 15) & ~(uintptr_t)15);
  for (uint32_t i = 1; i <= 400; i++) {{
    const uint32_t bits = i % 4 == 0 ? 1 + i : 1;
    check({name}_check() == 0, "weights as they were emitted");
    flip(i, bits);
    check({name}_check() != 0, "weights that have changed");
    {name}_run(input, output, aligned);
    flip(i, bits);
  }}
  return finish();
}}
"""


def try_model(tinyc, model, folder):
    """What is wrong, as text; nothing where all is well."""
    emitted.emit(tinyc, model, folder, 1)
    source = folder / f"{model.name}.c"
    text = source.read_text()
    streams = STREAM.findall(text)
    if not streams:
        return "no coded weights"
    source.write_text(STREAM.sub(r"\1", text))  # neither static nor constant
    main = folder / "damaged.c"
    main.write_text(PROGRAM.format(name=model.name, macro=model.name.upper(),
                                   declarations="".join(f"extern {array};\n" for array, _, _ in streams),
                                   streams=", ".join(f"{{{name}, {size}}}" for _, name, size in streams)))
    target = rig.Target("host-clang")
    target.require()
    result = target.run(target.build([source, main], folder), folder)
    return "" if result.exit_code == 0 else result.output


def main():
    failed = False
    for name in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                problem = try_model(sys.argv[1], emitted.models()[name], Path(folder))
            except rig.Missing as missing:
                print(f"skipped: {missing}")
                return 77
            except rig.Broken as broken:
                problem = str(broken)
        print(f"{name}: {problem or 'ok'}")
        failed |= bool(problem)
    return 1 if failed else 0


sys.exit(main())
