#!/usr/bin/env python3
"""Emitted C computes on every target, byte for byte, what tinyc computes.

    models.py TINYC [--model NAME ...] [--target NAME ...] [--vectors N]

Each model is compressed and emitted with test vectors, built for each target and run; its object is held to what emitted C
promises (symbols.py), and it must compile as C++ too. Models that are not there and targets without tools are skipped by
name. --sources FOLDER takes the C from there and emits nothing.
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path

import emitted
import rig
import symbols

FLAGS = ["-O2"]
PATHS = ("host-gcc", "host-clang", "cortex-m4", "cortex-m55")  # where a kernel's text may differ: C++ is tried there


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tinyc")
    parser.add_argument("--model", action="append", choices=emitted.models())
    parser.add_argument("--target", action="append", choices=rig.TARGETS)
    parser.add_argument("--vectors", type=int, default=50)
    parser.add_argument("--sources", type=Path)
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="of one model on one target")
    return parser.parse_args()


def try_target(name, target, sources, folder, timeout):
    """What is wrong with the model on this target, as lines."""
    target.require()
    flags = [*FLAGS, "-I", sources]
    program = target.build([sources / f"{name}.c", sources / f"{name}_test.c"], folder, flags)
    result = target.run(program, folder, timeout)
    problems = [] if result.exit_code == 0 else [f"exit code {result.exit_code}", *result.output.splitlines()]
    if target.name in PATHS:
        target.compile(sources / f"{name}.c", "-", [*rig.STRICT_CXX, *flags, "-fsyntax-only"])
    if target.emulator:
        problems += symbols.findings(target.tool("nm"), Path(folder, "program0.o"))
    return problems


def try_model(name, targets, sources, timeout):
    """(targets that pass, targets that fail)"""
    passed = failed = 0
    for target in targets:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                problems = try_target(name, target, sources, Path(folder), timeout)
            except rig.Broken as broken:
                problems = str(broken).splitlines()
            except rig.Missing as missing:
                print(f"{name} {target.name}: skipped: {missing}")
                continue
        passed, failed = passed + (not problems), failed + bool(problems)
        print(f"{name} {target.name}: {'failed' if problems else 'ok'} ({time.monotonic() - started:.1f} s)")
        print("".join(f"    {line}\n" for line in problems[:20]), end="", flush=True)
    return passed, failed


def emitted_folder(args, model, folder):
    """Where the model's C is; None, with a word why, where it cannot be."""
    if args.sources:
        return args.sources
    if model.absent():
        print(f"{model.name}: skipped: no {model.absent().name}")
        return None
    emitted.emit(args.tinyc, model, folder, args.vectors)
    return Path(folder)


def main():
    args = arguments()
    if not args.sources and not emitted.can_emit(args.tinyc):
        print("skipped: this tinyc emits no C")
        return 77
    targets = [rig.Target(name) for name in args.target or rig.TARGETS]
    passed = failed = 0
    for name in args.model or emitted.models():
        with tempfile.TemporaryDirectory() as folder:
            try:
                sources = emitted_folder(args, emitted.models()[name], folder)
            except rig.Broken as broken:
                print(f"{name}: {broken}")
                failed += 1
                continue
            counts = try_model(name, targets, sources, args.timeout) if sources else (0, 0)
        passed, failed = passed + counts[0], failed + counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else (0 if passed else 77)


sys.exit(main())
