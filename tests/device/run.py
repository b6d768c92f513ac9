#!/usr/bin/env python3
"""Builds a C program for a target and runs it, on this machine or on an emulated core.

    tests/device/run.py cortex-m4 tests/device/kernels/base.c
    tests/device/run.py cortex-m55 a.c b.c -I include --count --profile

The program's output and exit code are passed on. Exit code 77: a tool that the target needs is not installed.
"""
import argparse
import sys
import tempfile

import rig


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=rig.TARGETS)
    parser.add_argument("sources", nargs="+", metavar="FILE.c")
    parser.add_argument("-I", dest="include", action="append", default=[], metavar="FOLDER", help="besides src/rt")
    parser.add_argument("--define", action="append", default=[], metavar="NAME[=VALUE]")
    parser.add_argument("--flag", action="append", default=[], help="one more flag of the compiler: --flag=-Os")
    parser.add_argument("--count", action="store_true", help="print the instructions, all and between calls of mark()")
    parser.add_argument("--profile", action="store_true", help="print the instructions of each function")
    parser.add_argument("--annotate", action="append", default=[], metavar="FUNCTION",
                        help="print its instructions and how often each ran")
    parser.add_argument("--inside", metavar="FUNCTION",
                        help="print the instructions of each of its lines with what they call; it must run once")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the program and its objects here")
    return parser.parse_args()


def print_count(target, program, count, args):
    print(f"instructions {count.total}")
    for number, between in enumerate(count.between_marks()):
        print(f"to mark {number}: {between}")
    if args.profile:
        for times, name in target.profile(program, count):
            print(f"{times:>12} {100 * times / count.total:5.1f} % {name}")
    if args.inside:
        for line, times in sorted(target.by_line(program, count).items()):
            print(f"{times:>12} {100 * times / count.total:5.1f} % line {line}")
    for function in args.annotate:
        print("\n".join([f"{function}:", *target.annotate(program, count, function)]))


def run(args, folder):
    target = rig.Target(args.target)
    target.require()
    flags = ["-O2", "-g1", *args.flag, "-I", rig.ROOT / "src/rt", *(f"-I{path}" for path in args.include)]
    program = target.build(args.sources, folder, flags + [f"-D{name}" for name in args.define])
    per_address = bool(args.profile or args.annotate)
    counting = bool(args.count or per_address or args.inside) and target.emulator is not None
    result = target.run(program, folder, args.timeout, counting, per_address, args.inside)
    print(result.output, end="", flush=True)
    if counting:
        print_count(target, program, result.count, args)
    return result.exit_code


def main():
    args = arguments()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run(args, args.keep or folder)
    except rig.Missing as missing:
        print(f"skipped: {missing}")
        return 77
    except rig.Broken as broken:
        print(broken)
        return 1


sys.exit(main())
