#!/usr/bin/env python3
"""Measures what kernels cost on each core and rewrites the tables that tinyc predicts from.

    python3 bench/targets.py code            src/driver/target_code.inc: bytes of functions; needs tinyc, cross compilers
    python3 bench/targets.py speed           src/driver/target_speed.inc: instructions; needs a built tinyc and QEMU
    python3 bench/targets.py check           predictions against what is measured

code: each kernel of src/rt that a binding names is compiled with two calls of different literals, and the functions in the
object are listed by nm; then the sizes are brought to those in the emitted models of tests/device/emitted.py. speed: these
models are counted layer by layer, and the coefficients of each kernel are fitted to its layers by least squares. Run both
after kernels have changed, code first. Standard library only.
"""
import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import device  # noqa: E402
from device import ROOT, emitted, rig  # noqa: E402

TARGETS = ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "rv32imac"]
CODE, SPEED = ROOT / "src/driver/target_code.inc", ROOT / "src/driver/target_speed.inc"
STREAMS = ROOT / "src/driver/target_streams.inc"  # measured by hand; of kernels that are not priced by MACs
INLINED = 0.5  # what is left of a function that is called once, and so becomes a part of its caller; targets.cpp has it too
RUN_BYTES = 24  # entry and exit of NAME_run
CHECK_BYTES, CHECK_STREAM_BYTES = 56, 16  # NAME_check, and its part for each stream; targets.cpp has all three too
NOT_INLINED = {name for path in (ROOT / "src/rt").glob("*.h") for name in re.findall(r"TC_NOINLINE \w+ (\w+)\(", path.read_text())}
HEAD = "// Written by `python3 bench/targets.py {}`, gcc {} -O2; columns: {}.\n"


def kernels():
    """{name: (header, types of the parameters)} of the kernels that bindings call."""
    found = {}
    for source in sorted([*(ROOT / "src/ops/code").glob("*.cpp"), *(ROOT / "src/code").glob("*.cpp")]):
        for name, header in re.findall(r'TINYC_KERNEL\(\s*(\w+),\s*"(\w+\.h)"\)', source.read_text()):
            found[name] = (header, parameters(name, header))
    return dict(sorted((name, it) for name, it in found.items() if it[1]))


def parameters(name, header):
    """From the header or one that it includes."""
    text = (ROOT / "src/rt" / header).read_text()
    signature = re.search(rf"\b{name}\(([^)]*)\)\s*\{{", text)
    if signature:
        return [re.sub(r"\s*\w+$", "", part.strip()) for part in signature[1].split(",")]
    for inner in re.findall(r'#include "(\w+\.h)"', text):
        if inner != header and (types := parameters(name, inner)):
            return types
    return None


def caller(name, header, types, calls):
    """C that calls the kernel so often, each time with other numbers."""
    lines = [f'#include "{header}"', "extern const int32_t data[];", "void calls(void *memory);",
             "void calls(void *memory) {"]
    for call in range(calls):
        arguments = []
        for position, kind in enumerate(types):
            offset = 16 * (call + position)
            memory = "(const int8_t *)data" if kind.startswith("const") and position > 0 else "(int8_t *)memory"
            number = str(7 * (call + 2) + position * (call + 3))
            arguments.append(f"({kind})({memory} + {offset})" if "*" in kind else number)
        lines.append(f"  {name}({', '.join(arguments)});")
    return "\n".join([*lines, "}", ""])


def functions_in(target, name, header, types, folder, calls=2):
    """{function: bytes} of the object, without the caller; bytes of the caller."""
    source, out = Path(folder, "calls.c"), Path(folder, "calls.o")
    source.write_text(caller(name, header, types, calls))
    target.compile(source, out, ["-O2", "-w", "-I", ROOT / "src/rt"])
    sizes = symbol_sizes(target, out)
    return sizes, sizes.pop("calls", 0)


def write_code(tinyc):
    listed, closures, sizes, calls = kernels(), {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for column, name in enumerate(TARGETS):
            target = rig.Target(name)
            for kernel, (header, types) in listed.items():
                functions, few = functions_in(target, kernel, header, types, folder, 4)
                _, many = functions_in(target, kernel, header, types, folder, 12)
                closures.setdefault(kernel, set()).update(functions)
                calls.setdefault(kernel, []).append((many - few) // 8)
                for function, size in functions.items():
                    row = sizes.setdefault(function, [0] * len(TARGETS))
                    row[column] = max(row[column], size)
        refine(tinyc, Path(folder), closures, sizes, calls)
    text = HEAD.format("code", rig.checked(["arm-none-eabi-gcc", "-dumpfullversion"]).strip(), ", ".join(TARGETS))
    text += "constexpr FunctionCode kFunctions[] = {\n"
    text += "".join(f'    {{"{name}", {str(name not in NOT_INLINED).lower()}, {{{", ".join(map(str, row))}}}}},\n'
                    for name, row in sorted(sizes.items()))
    text += "};\nconstexpr KernelCode kKernels[] = {\n"
    text += "".join(f'    {{"{name}", "{" ".join(sorted(used))}", {{{", ".join(map(str, calls[name]))}}}}},\n'
                    for name, used in sorted(closures.items()))
    CODE.write_text(text + "};\n")


def refine(tinyc, folder, closures, sizes, calls):
    """In whole models arguments that all calls share are propagated into functions, and functions that are called once are
    inlined. The sizes are changed by the least that makes the models' code come out right."""
    sources = []
    for name, model in emitted.models().items():
        try:
            if not model.absent():
                emitted.emit(tinyc, model, folder, 1)
                sources.append(name)
        except rig.Broken as broken:
            print(f"{name}: skipped: {str(broken).splitlines()[-2]}", file=sys.stderr)
    for column, core in enumerate(TARGETS):
        target, rows = rig.Target(core), []
        for name in sources:
            out = folder / "model.o"
            target.compile(folder / f"{name}.c", out, ["-O2"])
            code, constants = device.sections(target, out)
            body = (folder / f"{name}.c").read_text().partition(f"void {name}_run(")[2]
            made = re.findall(r"^  (tc_\w+)\(", body, re.M)
            streams = body.count("tc_checksum(")
            own = RUN_BYTES + (CHECK_BYTES + CHECK_STREAM_BYTES * streams if streams else 0)
            rows.append((terms(made, column, closures, sizes, calls), code - own, code + constants))
        factors = least_change(rows)
        for kind, table in (("function", sizes), ("call", calls)):
            for name, row in table.items():
                row[column] = round(row[column] * factors.get((kind, name), 1))


def terms(made, column, closures, sizes, calls):
    """{what takes code: bytes} of a model that makes these calls."""
    made = [kernel for kernel in made if kernel in calls]
    found = {("call", kernel): made.count(kernel) * calls[kernel][column] for kernel in made}
    uses = [function for kernel in made for function in closures[kernel]]
    for function in uses:
        alone = uses.count(function) > 1 or function in NOT_INLINED
        found["function", function] = sizes[function][column] * (1 if alone else INLINED)
    return found


def least_change(rows, doubt=0.003):
    """{term: factor} nearest to 1 with which the terms of each row add up to its bytes, within `doubt` of its flash. Least
    squares: with A the terms over flash and e what is missing, factors are 1 + A^T (A A^T + doubt^2)^-1 e."""
    scaled = [({term: size / flash for term, size in found.items()}, (code - sum(found.values())) / flash)
              for found, code, flash in rows]
    system = [[sum(size * other.get(term, 0) for term, size in row.items()) + (doubt ** 2 if i == j else 0)
               for j, (other, _) in enumerate(scaled)] + [missing] for i, (row, missing) in enumerate(scaled)]
    weights = solved(system)
    factors = {}
    for (row, _), weight in zip(scaled, weights):
        for term, size in row.items():
            factors[term] = factors.get(term, 1) + weight * size
    return {term: max(factor, 0.1) for term, factor in factors.items()}


def symbol_sizes(target, path):
    """{function: bytes}, the compiler's variants of one function together."""
    sizes = {}
    for size, symbol in re.findall(r"^[0-9a-f]+ ([0-9a-f]+) [tT] (\S+)$", rig.checked([target.tool("nm"), "-S", path]), re.M):
        plain = symbol.partition(".")[0]
        sizes[plain] = sizes.get(plain, 0) + int(size, 16)
    return sizes


def costs_of(tinyc, model, target, folder):
    """What tinyc predicts for the model that emit() wrote a report of."""
    report = json.loads(Path(folder, f"{model.name}.{target}.json").read_text())
    return report["device"]


def emit_with_report(tinyc, model, target, folder):
    calib = model.calib or emitted.drawn_data(model, folder)
    rig.checked([tinyc, "compress", model.path, "--int8", "--calib", calib, *model.flags, "--emit", "c", "--name", model.name,
                 "--target", target, "--report", Path(folder, f"{model.name}.{target}.json"), "-o", folder])


def measured(tinyc, name):
    """(target, prediction, measurement) of the model on each core; nothing where the model is missing or is refused."""
    model = emitted.models()[name]
    if model.absent():
        print(f"{name}: skipped: no {model.absent().name}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        for target in TARGETS:
            try:
                emit_with_report(tinyc, model, target, folder)
            except rig.Broken as broken:
                print(f"{name}: skipped: {str(broken).splitlines()[-2]}", file=sys.stderr)
                return
            with tempfile.TemporaryDirectory() as build:
                yield target, costs_of(tinyc, model, target, folder), device.measure(name, rig.Target(target), Path(folder), build)


def fit(rows):
    """(per_mac, per_byte, per_call) >= 0 nearest to rows of (macs, bytes, calls, instructions), in relative error; of so many
    rows, so many at most are not zero."""
    best, best_error = (0, 0, 0), float("inf")
    for used in ((0, 1, 2), (0, 1), (0, 2), (1, 2), (0,), (1,), (2,)):
        if len(used) > len(rows):
            continue
        solution = least_squares([[row[i] / row[3] for i in used] for row in rows])
        if solution is None or min(solution) < 0:
            continue
        full = [solution[used.index(i)] if i in used else 0 for i in range(3)]
        error = sum((sum(full[i] * row[i] for i in range(3)) / row[3] - 1) ** 2 for row in rows)
        if error < best_error - 1e-9:
            best, best_error = full, error
    return best


def least_squares(rows):
    """x with rows * x nearest to ones; None where it is not determined."""
    count = len(rows[0])
    return solved([[sum(row[i] * row[j] for row in rows) for j in range(count)] + [sum(row[i] for row in rows)]
                   for i in range(count)])


def solved(system):
    """x of a system of linear equations, right side last; None where it is not determined."""
    count = len(system)
    for i in range(count):
        pivot = max(range(i, count), key=lambda k: abs(system[k][i]))
        system[i], system[pivot] = system[pivot], system[i]
        if abs(system[i][i]) < 1e-12 * max(1e-300, max(abs(value) for value in system[i])):
            return None
        for k in range(count):
            if k != i:
                factor = system[k][i] / system[i][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i])]
    return [system[i][count] / system[i][i] for i in range(count)]


def write_speed(tinyc):
    rows, elsewhere = {}, set(re.findall(r'\{"(tc_\w+)"', STREAMS.read_text()))
    for name in emitted.models():
        for target, cost, found in measured(tinyc, name):
            for layer in cost["layers"]:
                counted = sum(count for label, count in found.layers.items() if label.partition(" (")[0] == layer["layer"])
                if layer["kernel"] and layer["kernel"] not in elsewhere and counted > 0:
                    row = (layer["macs"], layer["output_bytes" if layer["macs"] else "input_bytes"], 1, counted)
                    rows.setdefault(layer["kernel"], {}).setdefault(target, []).append(row)
            print(f"{name} on {target}: {found.instructions:,}", file=sys.stderr)
    text = HEAD.format("speed", rig.checked(["arm-none-eabi-gcc", "-dumpfullversion"]).strip(), ", ".join(TARGETS))
    text += "constexpr KernelSpeed kSpeeds[] = {\n"
    for kernel, by_target in sorted(rows.items()):
        columns = list(zip(*(fit(by_target[target]) for target in TARGETS)))
        numbers = ", ".join("{" + ", ".join(str(round(1000 * value)) for value in column) + "}" for column in columns)
        text += f'    {{"{kernel}", {{{numbers}}}}},\n'
    SPEED.write_text(text + "};\n")


def check(tinyc, names):
    print("| model | core | flash | predicted | off | instructions | predicted | off |\n|---|---|---:|---:|---:|---:|---:|---:|")
    for name in names:
        for target, cost, found in measured(tinyc, name):
            flash, code = found.code + found.constants, cost["predicted_flash_bytes"]
            speed = cost["predicted_instructions"]
            print(f"| {name} | {target} | {flash:,} | {code:,} | {100 * (code / flash - 1):.1f} % "
                  f"| {found.instructions:,} | {speed:,} | {100 * (speed / found.instructions - 1):.1f} % |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("code", "speed", "check"))
    parser.add_argument("--tinyc", default=ROOT / "build/tinyc", help="the program (default: build/tinyc)")
    parser.add_argument("--model", action="append", choices=emitted.models())
    args = parser.parse_args()
    if args.what == "code":
        write_code(args.tinyc)
    elif args.what == "speed":
        write_speed(args.tinyc)
    else:
        check(args.tinyc, args.model or emitted.models())


if __name__ == "__main__":
    main()
