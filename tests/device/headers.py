#!/usr/bin/env python3
"""Every kernel header compiles alone, as C99 and as C++, without a warning, with every compiler that is here; and what it
compiles to needs nothing of a C library but four memory functions, and holds no writable data.

usage: headers.py [FILE.h ...]      without files: all of src/rt
"""
import concurrent.futures
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import rig
import symbols

OWN_FLAGS = ["-O2", "-I", rig.ROOT / "src/rt"]


def compilers():
    """(name, command, flags, the nm of its objects) of each compiler and language."""
    for name in rig.TARGETS:
        target = rig.Target(name)
        if shutil.which(target.compiler):
            yield name, target.compiler, [*target.flags, *rig.STRICT], target.tool("nm")
        if target.emulator and shutil.which(target.compiler):
            yield f"{name}, C++", target.compiler, [*target.flags, *rig.STRICT_CXX, "-fsyntax-only"], None
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler):
            yield f"{compiler}, C++", compiler, [*rig.STRICT_CXX, "-fsyntax-only"], None


def findings_of(header, compiler, folder):
    name, tool, flags, nm = compiler
    stem = re.sub(r"\W", "_", f"{header.stem}_{name}")
    source = Path(folder, stem + ".c")
    source.write_text(f'#include "{header.name}"\nextern int not_empty;\n')
    # Nothing calls the kernels here: gcc is told to keep them, for their symbols to be seen.
    keep = ["-fkeep-static-functions"] if nm and tool.endswith("gcc") else []
    out = Path(folder, stem + ".o")
    done = rig.command([tool, *flags, *OWN_FLAGS, "-I", header.parent, *keep, "-c", source, "-o", out])
    if done.returncode != 0:
        return [f"{header.name}, {name}: {done.stderr.strip()}"]
    found = symbols.findings(nm, out, "f32" in header.stem) if keep else []
    return [f"{header.name}, {name}: {finding}" for finding in found]


def main():
    headers = [Path(name).resolve() for name in sys.argv[1:]] or sorted((rig.ROOT / "src/rt").glob("*.h"))
    used = list(compilers())
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(lambda pair: findings_of(*pair, folder), [(h, c) for h in headers for c in used])
        findings = [finding for found in results for finding in found]
    if not used:
        print("skipped: no compiler is installed")
        return 77
    print("\n".join(findings + [f"{len(headers)} headers, {len(used)} compilers, {len(findings)} findings"]))
    return 1 if findings else 0


sys.exit(main())
