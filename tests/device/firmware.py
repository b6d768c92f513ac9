#!/usr/bin/env python3
"""The projects of docs/examples build from an installed tinyc and run: with CMake and with Make, on the host where they can
and on an emulated Cortex-M4; a changed model is compressed again, an unchanged one is not; a gate stops the build.

    firmware.py BUILD_FOLDER     the build folder of tinyc, which is installed from there to a temporary prefix
"""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import rig

EXAMPLES = rig.ROOT / "docs/examples"
TARGET = rig.Target("cortex-m4")


def run_image(program):
    arguments = [*TARGET.emulator, "-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config",
                 "enable=on,target=native", "-kernel", program]
    return rig.command(arguments, timeout=60).returncode


def expect(condition, what):
    if not condition:
        raise rig.Broken(what)


def with_cmake(prefix, folder, cross):
    """Builds a copy of the example's project whose model is a file of its own."""
    build = Path(folder, "build")
    flags = [f"-DCMAKE_TOOLCHAIN_FILE={EXAMPLES / 'firmware_cmake/cortex-m4.cmake'}"] if cross else []
    rig.checked(["cmake", "-S", EXAMPLES / "firmware_cmake", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", *flags])
    rig.checked(["cmake", "--build", build])
    program = build / "firmware"
    code = run_image(program) if cross else rig.command([program]).returncode
    expect(code == 0, f"firmware_cmake: exit code {code}")
    return build


def check_rebuild(prefix, folder):
    """The C is written when the model or the data changes, and only then."""
    project, build = Path(folder, "project"), Path(folder, "build")
    project.mkdir()
    for name in ("vibration.onnx", "vibration_calib.npz"):
        shutil.copy(rig.ROOT / "models" / name, project)
    recipe = project / "recipe.toml"
    recipe.write_text("seed = 0\n")
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(p C)\nfind_package(tinyc REQUIRED)\nadd_library(m STATIC)\n"
        "tinyc_add_model(m vibration.onnx CALIB vibration_calib.npz RECIPE recipe.toml MAX_RAM ${LIMIT})\n")
    rig.checked(["cmake", "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", "-DLIMIT=2k"])

    def written():
        rig.checked(["cmake", "--build", build])
        return (build / "tinyc/m/vibration.c").stat().st_mtime_ns

    first = written()
    expect(written() == first, "an unchanged model was compressed again")
    for name in ("vibration.onnx", "vibration_calib.npz", "recipe.toml"):
        now = max(first, (project / name).stat().st_mtime_ns) + 10**9
        os.utime(project / name, ns=(now, now))
        again = written()
        expect(again != first, f"a changed {name} was not noticed")
        first = again
    rig.checked(["cmake", "-S", project, "-B", build, "-DLIMIT=100"])
    failed = rig.command(["cmake", "--build", build])
    expect(failed.returncode != 0 and "max_ram" in failed.stdout + failed.stderr, "the gate did not stop the build")


def with_make(prefix, folder):
    TARGET.require()
    command = ["make", "-f", EXAMPLES / "firmware_make/Makefile", "-C", folder, f"TINYC_PREFIX={prefix}"]
    rig.checked(command)
    code = run_image(Path(folder, "build/firmware"))
    expect(code == 0, f"firmware_make: exit code {code}")
    expect("compress" not in rig.checked(command), "an unchanged model was compressed again")


def attempt(what, run):
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(folder)
        except rig.Missing as missing:
            print(f"{what}: skipped: {missing}")
        except rig.Broken as broken:
            print(f"{what}: {broken}")
            return False
        else:
            print(f"{what}: ok", flush=True)
    return True


def cross(prefix, folder):
    TARGET.require()
    with_cmake(prefix, folder, True)


def main():
    with tempfile.TemporaryDirectory() as prefix:
        rig.checked(["cmake", "--install", sys.argv[1], "--prefix", prefix])
        passed = [attempt("CMake, host", lambda folder: with_cmake(prefix, folder, False)),
                  attempt("CMake, cortex-m4", lambda folder: cross(prefix, folder)),
                  attempt("CMake, what it depends on", lambda folder: check_rebuild(prefix, folder)),
                  attempt("Make, cortex-m4", lambda folder: with_make(prefix, folder))]
    return 0 if all(passed) else 1


sys.exit(main())
