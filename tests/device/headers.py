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

CXX = ["-x", "c++", "-std=c++17", *rig.STRICT[1:]]
OWN_FLAGS = ["-O2", "-I", rig.ROOT / "src/rt"]

# Functions that an object may call: memory functions, and what compilers make of integer arithmetic and of switches.
MEMORY = r"mem(cpy|set|move|cmp)|__aeabi_mem(cpy|set|clr|move)[48]?"
INTEGERS = (r"__aeabi_(lmul|lcmp|ulcmp|llsl|llsr|lasr|u?idiv(mod)?|u?ldivmod)|__gnu_thumb1_case_\w+|"
            r"__(ashl|ashr|lshr|clz|ctz|mul|popcount|u?div|u?mod)[sd]i[23]?")
FLOATS = r"__aeabi_\w+|__\w+[sd]f\w*"
ALLOWED = re.compile(f"({MEMORY}|{INTEGERS})$")
ALLOWED_IN_FLOAT = re.compile(f"({MEMORY}|{INTEGERS}|{FLOATS})$")


def compilers():
    """(name, command, flags, the nm of its objects) of each compiler and language."""
    for name in rig.TARGETS:
        target = rig.Target(name)
        if shutil.which(target.compiler):
            yield name, target.compiler, [*target.flags, *rig.STRICT], target.tool("nm")
        if target.emulator and shutil.which(target.compiler):
            yield f"{name}, C++", target.compiler, [*target.flags, *CXX, "-fsyntax-only"], None
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler):
            yield f"{compiler}, C++", compiler, [*CXX, "-fsyntax-only"], None


def judge_object(nm, path, header):
    """What is wrong with the object's symbols."""
    allowed = ALLOWED_IN_FLOAT if "f32" in header.stem else ALLOWED
    for kind, symbol in re.findall(r"^\s*[0-9a-f]* (\w) (\S+)$", rig.checked([nm, path]), re.M):
        if kind == "U" and not allowed.match(symbol):
            yield f"needs {symbol}"
        if kind in "dDbBC":
            yield f"{symbol} is writable"


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
    return [f"{header.name}, {name}: {finding}" for finding in judge_object(nm, out, header)] if keep else []


def main():
    headers = [Path(name).resolve() for name in sys.argv[1:]] or sorted((rig.ROOT / "src/rt").glob("*.h"))
    used = list(compilers())
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(lambda pair: findings_of(*pair, folder), [(h, c) for h in headers for c in used])
        findings = [finding for found in results for finding in found]
    print("\n".join(findings + [f"{len(headers)} headers, {len(used)} compilers, {len(findings)} findings"]))
    return 1 if findings else 0


sys.exit(main())
