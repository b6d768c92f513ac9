#!/usr/bin/env python3
"""Integer models need no floating point: built for a core without it, the object names no function of a float library, of
libm or of the heap, and neither does a program that is linked without any library but the memory functions.

    no_float.py TINYC
"""
import re
import sys
import tempfile
from pathlib import Path

import emitted
import rig

CORES = {"cortex-m4": ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft"],
         "cortex-m0plus": ["-mcpu=cortex-m0plus", "-mthumb", "-mfloat-abi=soft"]}
FLOAT = re.compile(r"__aeabi_[fd]|__aeabi_(i|ui|l|ul)2[fd]|__\w+[sd]f|malloc|calloc|realloc|free|sbrk|"
                   r"(exp|log|sqrt|pow|sin|cos|tanh|floor|ceil|round|lround|nearbyint|rint)[fl]?$")


def undefined(nm, path):
    return re.findall(r"^\s*U (\S+)$", rig.checked([nm, path]), re.M)


def examine(name, sources, folder):
    for core, flags in CORES.items():
        out = Path(folder, f"{core}.o")
        rig.checked(["arm-none-eabi-gcc", *flags, "-O2", "-I", sources, "-c", sources / f"{name}.c", "-o", out])
        for symbol in undefined("arm-none-eabi-nm", out):
            if FLOAT.match(symbol):
                yield f"{name} on {core} needs {symbol}"
        writable = re.findall(r"^[0-9a-f]+ [0-9a-f]+ [dDbB] (\S+)$", rig.checked(["arm-none-eabi-nm", "-S", out]), re.M)
        yield from (f"{name} on {core}: {symbol} is writable" for symbol in writable)


def main():
    problems, tried = [], 0
    for name, model in emitted.models().items():
        if model.absent():
            print(f"{name}: skipped: no {model.absent().name}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                emitted.emit(sys.argv[1], model, folder, 1)
                if "_f32(" in Path(folder, f"{name}.c").read_text():
                    print(f"{name}: skipped: it has layers in float")
                    continue
                problems += examine(name, Path(folder), folder)
                tried += 1
            except rig.Missing as missing:
                print(f"skipped: {missing}")
                return 77
            except rig.Broken as broken:
                problems.append(f"{name}: {broken}")
    print("\n".join(problems) or f"{tried} models need no floating point")
    return 1 if problems else 0


sys.exit(main())
