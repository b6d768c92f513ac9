#!/usr/bin/env python3
"""Instructions, memory and code of emitted models on emulated cores, beside TensorFlow Lite Micro with CMSIS-NN.

    cmake --preset release && cmake --build --preset release
    python3 bench/device.py [--all] [--out docs/results_device.md]

Instructions are those of one call of NAME_run, int8 in and int8 out, counted by tests/device/count; they are the same in
every run on every machine. Models are those of tests/device/emitted.py. Needs Python alone, the cross compilers and QEMU.
"""
import argparse
import datetime
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/device"))

import device_peers as peers  # noqa: E402
import emitted  # noqa: E402
import rig  # noqa: E402

MODELS = {"kws": "KWS", "resnet8": "ResNet-8", "vww": "VWW", "ad": "AD"}
USUAL, REST = ["cortex-m4", "cortex-m55"], ["cortex-m0plus", "cortex-m3", "cortex-m33", "rv32imac"]

DRIVER = """#include "{name}.h"

#include "harness.h"

static int8_t input[{prefix}_INPUT_BYTES];
static int8_t output[{prefix}_OUTPUT_BYTES];
static __attribute__((aligned(16))) uint8_t arena[{prefix}_ARENA_BYTES + 16];

int main(void) {{
  enum {{ kPainted = 16384, kPaint = 0xA5 }};
  volatile uint8_t* stack;
  uint32_t untouched = 0;
  for (uint32_t i = 0; i < sizeof input; i++) input[i] = random_s8();
  __asm__ volatile("{move} %0, sp" : "=r"(stack));
  for (int32_t i = 1; i <= kPainted; i++) stack[-i] = kPaint;
  mark();
  {name}_run(input, output, arena);
  mark();
  while (untouched < kPainted && stack[(int32_t)untouched - kPainted] == kPaint) untouched++;
  say_number(kPainted - untouched);
  return 0;
}}
"""


@dataclass
class Measured:
    instructions: int
    layers: dict  # label: instructions
    code: int
    constants: int
    arena: int
    stack: int


def short(label):
    """Exporters join the names of all that a node came from; the last is its own."""
    return label if len(label) <= 40 else label.split(";")[-1].split("/")[-1]


def labels_of(source, function):
    """{line: label}: inside the function a layer reaches from the comment above its call to the next comment."""
    labels, label, inside = {}, "entry and exit", False
    for number, line in enumerate(source.read_text().splitlines(), 1):
        inside = (inside or re.match(rf"\w.*\b{function}\(", line) is not None) and line != "}"
        comment = re.match(r"\s+/\* ?(.*?) ?(\*/)?$|\s+// ?(.*)", line)
        if inside and comment:
            label = short(comment[1] or comment[3])
        labels[number] = label if inside else "entry and exit"
    return labels


def sections(target, path):
    """Bytes of code and of constants of an object."""
    sizes = re.findall(r"^(\.\S+)\s+(\d+)", rig.checked([target.tool("size"), "-A", path]), re.M)
    kinds = (".text", (".rodata", ".srodata"))
    return [sum(int(size) for name, size in sizes if name.startswith(kind)) for kind in kinds]


def measure(name, target, sources, folder):
    model, driver = sources / f"{name}.c", Path(folder, "driver.c")
    driver.write_text(DRIVER.format(name=name, prefix=name.upper(), move="mv" if "rv" in target.name else "mov"))
    flags = ["-O2", "-g1", "-I", sources]
    program = target.build([driver, model], folder, flags)
    result = target.run(program, folder, 120, count=True, inside=f"{name}_run")
    if result.exit_code != 0:
        raise rig.Broken(f"{name} on {target.name}: exit code {result.exit_code}\n{result.output}")
    layers, labels = {}, labels_of(model, f"{name}_run")
    for line, count in sorted(target.by_line(program, result.count).items()):
        label = labels.get(line, "entry and exit")
        layers[label] = layers.get(label, 0) + count
    target.compile(model, Path(folder, "model.o"), ["-O2", "-I", sources])
    code, constants = sections(target, Path(folder, "model.o"))
    arena = re.search(rf"{name.upper()}_ARENA_BYTES\s+\(?(\d+)", (sources / f"{name}.h").read_text())
    return Measured(result.count.between_marks()[1], layers, code, constants, int(arena[1]),
                    int(result.output))


def against(own, peer):
    return f"{peer:,} | {peer / own:.2f}" if peer else " | "


def totals_table(results):
    yield "| model | core | instructions | TFLM + CMSIS-NN | times | arena | TFLM | stack | code | TFLM | constants |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for (name, target), it in results.items():
        code = f"{peers.CODE[target]:,}" if target in peers.CODE else ""
        peer = against(it.instructions, peers.MODELS.get((name, target)))
        yield (f"| {MODELS[name]} | {target} | {it.instructions:,} | {peer} | {it.arena:,} | {peers.ARENA[name]:,} "
               f"| {it.stack:,} | {it.code:,} | {code} | {it.constants:,} |")


def layers_table(name, results):
    columns = {target: it.layers for (model, target), it in results.items() if model == name}
    yield "| layer | " + " | ".join(columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    labels = {label: None for layers in columns.values() for label in layers}
    for label in labels:
        yield f"| {label} | " + " | ".join(f"{layers.get(label, 0):,}" for layers in columns.values()) + " |"


def kernels_table(results):
    cores = list(dict.fromkeys(target for _, target in results))
    yield "| layer | " + " | ".join(f"{core} | times" for core in cores) + " |"
    yield "|---|" + "---:|---:|" * len(cores)
    for (name, node, what), theirs in peers.LAYERS.items():
        cells = []
        for core in cores:
            layers = results[name, core].layers if (name, core) in results else {}
            own = next((count for label, count in layers.items() if label.split()[0] == node), None)
            known = own and core in theirs
            cells.append(f"{own:,} | {theirs[core] / own:.2f}" if known else " | ")
        yield f"| {what} | " + " | ".join(cells) + " |"


def history(results, path):
    """The rows that the file has, and one more where the numbers of the usual cores are new."""
    old = re.findall(r"^\| \d{4}-.*\|$", path.read_text(), re.M) if path and path.exists() else []
    columns = [(name, target) for target in USUAL for name in MODELS]
    numbers = " | ".join(f"{results[it].instructions:,}" if it in results else "" for it in columns)
    titles = [f"{MODELS[name]} {target.removeprefix('cortex-').upper()}" for name, target in columns]
    yield f"| date | {' | '.join(titles)} |"
    yield "|---|" + "---:|" * len(columns)
    yield from old
    if not old or old[-1].partition(" | ")[2] != f"{numbers} |":
        yield f"| {datetime.date.today()} | {numbers} |"


def document(results, tools, path):
    first = ["# Results on microcontroller cores", "",
             f"Measured by `python3 bench/device.py`: instructions of one inference under QEMU, {tools}, `-O2`. They are",
             "exact and the same in every run; they are not cycles. Arena, stack (measured in that call), code and constants",
             "in bytes; code is the emitted file's, with its literals, without library functions. TFLM: TensorFlow Lite Micro",
             "with CMSIS-NN, counted in the same way on the int8 models of MLPerf Tiny; its code is everything linked but the",
             "model. Times: its instructions over ours.", "",
             *totals_table(results), "",
             "## Single layers", "",
             "Times: instructions of CMSIS-NN's own layer (wrapper included) of that shape on that core, over ours.", "",
             *kernels_table(results), ""]
    for name in dict.fromkeys(name for name, _ in results):
        first += [f"## {MODELS[name]}, layer by layer", "", *layers_table(name, results), ""]
    first += ["## Instructions so far", "", *history(results, path), ""]
    return "\n".join(first)


def measure_all(args):
    targets = [rig.Target(name) for name in args.target or USUAL + (REST if args.all else [])]
    results = {}
    for name in args.model or MODELS:
        model = emitted.models()[name]
        if not args.sources and model.absent():
            print(f"{name}: skipped: no {model.absent().name}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            sources = args.sources or Path(folder)
            if not args.sources:
                emitted.emit(args.tinyc, model, folder, 1)
            for target in targets:
                with tempfile.TemporaryDirectory() as build:
                    results[name, target.name] = measure(name, target, sources, build)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tinyc", default=ROOT / "build/tinyc", help="the program (default: build/tinyc)")
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--target", action="append", choices=[name for name in rig.TARGETS if "host" not in name])
    parser.add_argument("--all", action="store_true", help="all cores, not the M4 and the M55 alone")
    parser.add_argument("--sources", type=Path, help="take NAME.c and NAME.h from this folder, emit nothing")
    parser.add_argument("--out", type=Path, help="write the results here, as Markdown")
    args = parser.parse_args()
    try:
        results = measure_all(args)
    except (rig.Broken, rig.Missing) as error:
        sys.exit(str(error))
    version = rig.checked(["arm-none-eabi-gcc", "-dumpfullversion"]).strip()
    text = document(results, f"gcc {version}", args.out)
    print(text)
    if args.out:
        args.out.write_text(text)


if __name__ == "__main__":
    main()
