#!/usr/bin/env python3
"""What tinyc predicts of emitted models is what the tools measure: the arena exactly, constants at most so many (the compiler
drops tables that it has folded into the code), and flash within 3 %.

    prediction.py TINYC
"""
import json
import re
import sys
import tempfile
from pathlib import Path

import emitted
import rig

TARGET = "cortex-m4"
FLASH_TOLERANCE = 0.03
PADDING = 4  # at most, after a constant


def device_report(tinyc, model, folder):
    report = Path(folder, "report.json")
    calib = model.calib or emitted.drawn_data(model, folder)
    rig.checked([tinyc, "compress", model.path, "--int8", "--calib", calib, *model.flags, "--emit", "c", "--name", model.name,
                 "--target", TARGET, "--report", report, "-o", folder])
    return json.loads(report.read_text())["device"]


def sizes(target, path):
    listed = re.findall(r"^(\.\S+)\s+(\d+)", rig.checked([target.tool("size"), "-A", path]), re.M)
    return [sum(int(size) for name, size in listed if name.startswith(kind)) for kind in (".text", ".rodata")]


def problems_of(name, device, folder):
    target = rig.Target(TARGET)
    target.require()
    out = Path(folder, "model.o")
    target.compile(Path(folder, f"{name}.c"), out, ["-O2"])
    code, constants = sizes(target, out)
    source = Path(folder, f"{name}.c").read_text()
    arena = int(re.search(r"_ARENA_BYTES (\d+)", Path(folder, f"{name}.h").read_text())[1])
    flash, predicted = code + constants, device["predicted_flash_bytes"]
    off = predicted / flash - 1
    print(f"{name}: flash {flash:,}, predicted {predicted:,} ({100 * off:+.2f} %), code {code:,}, predicted "
          f"{device['predicted_code_bytes']:,}; constants {constants:,}", flush=True)
    if device["arena_bytes"] != arena:
        yield f"{name}: arena {arena}, predicted {device['arena_bytes']}"
    padding = PADDING * source.count("TC_ALIGN static const")
    if constants > device["constant_bytes"] + padding:
        yield f"{name}: constants {constants}, predicted {device['constant_bytes']}"
    if abs(off) > FLASH_TOLERANCE:
        yield f"{name}: flash {flash}, predicted {predicted}: {100 * off:+.1f} %"


def main():
    problems, tried = [], 0
    for name, model in emitted.models().items():
        if model.absent():
            print(f"{name}: skipped: no {model.absent().name}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                problems += problems_of(name, device_report(sys.argv[1], model, folder), folder)
                tried += 1
            except rig.Missing as missing:
                print(f"skipped: {missing}")
                return 77
            except rig.Broken as broken:
                problems.append(f"{name}: {broken}")
    print("\n".join(problems) or f"{tried} models as predicted")
    return 1 if problems else 0


sys.exit(main())
