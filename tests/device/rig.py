"""Builds a C program for a target, runs it, and counts its instructions. What run.py, models.py and bench/device.py share.

A target is an entry of targets.json: a compiler of this machine with its sanitizers, or a cross compiler and an emulated
board. Standard library only.
"""
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
STRICT_CXX = ["-x", "c++", "-std=c++17", *STRICT[1:]]
TARGETS = json.loads((HERE / "targets.json").read_text())


class Missing(Exception):
    """A tool that the target needs is not installed."""


class Broken(Exception):
    """A program does not compile or does not end."""


@dataclass
class Count:
    """Instructions: all, at each mark() those before it, and by address where that was asked for."""
    total: int = 0
    marks: list = field(default_factory=list)
    at: dict = field(default_factory=dict)
    inside: dict = field(default_factory=dict)  # by an instruction of the function asked for, with what it called
    misaligned: tuple = ()  # the first misaligned access: by the instruction at, to the address

    def between_marks(self):
        return [after - before for before, after in zip([0] + self.marks, self.marks)]


@dataclass
class Result:
    exit_code: int
    output: str
    count: Count | None = None


def command(arguments, **options):
    try:
        return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, errors="replace", **options)
    except FileNotFoundError as error:
        raise Missing(f"{arguments[0]} is not installed") from error


def checked(arguments):
    done = command(arguments)
    if done.returncode != 0:
        raise Broken(f"{' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
    return done.stdout


class Target:
    def __init__(self, name):
        self.name = name
        entry = TARGETS[name]
        self.compiler, self.flags = entry["compiler"], entry["flags"]
        self.emulator = entry.get("emulator")
        self.memory = {name: entry[name] for name in ("flash", "constants", "ram") if name in entry}
        self.aligned = entry.get("aligned", False)  # a misaligned access is an error

    def require(self):
        for tool in [self.compiler] + (self.emulator[:1] if self.emulator else []):
            if shutil.which(tool) is None:
                raise Missing(f"{tool} is not installed")

    def tool(self, name):
        """The binutils of the target: nm, size, objdump."""
        prefix = self.compiler.removesuffix("gcc") if self.emulator else ""
        return prefix + name

    def compile(self, source, out, flags=()):
        checked([self.compiler, *self.flags, *flags, "-c", source, "-o", out])

    def build(self, sources, folder, flags=("-O2",), name="program"):
        """An executable of the sources, which must pass the strict warnings."""
        program = Path(folder, name)
        if not self.emulator:
            checked([self.compiler, *STRICT, *self.flags, *flags, "-I", HERE, *sources, "-o", program])
            return program
        objects = []
        own = ["-DTINYC_ON_DEVICE", "-ffunction-sections", "-fdata-sections", "-I", HERE]
        for number, source in enumerate(sources):
            objects.append(Path(folder, f"{name}{number}.o"))
            self.compile(source, objects[-1], [*STRICT, *own, *flags])
        for source in ("start.c", "arm.c" if "arm" in self.compiler else "riscv.S"):
            objects.append(Path(folder, source).with_suffix(".o"))
            self.compile(HERE / "boot" / source, objects[-1], ["-O2", *own])
        libraries = ["--specs=nano.specs", "--specs=nosys.specs"] if "arm" in self.compiler else []
        checked([self.compiler, *self.flags, *objects, "-o", program, "-nostartfiles", *libraries, "-T",
                 HERE / "boot/image.ld", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments",
                 *(f"-Wl,--defsym={name}_start={start},--defsym={name}_bytes={size}"
                   for name, (start, size) in self.memory.items())])
        return program

    def run(self, program, folder, timeout=60, count=False, per_address=False, inside=None):
        """Runs it. Counting costs little; watching the alignment of every access more."""
        if not self.emulator:
            environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
            done = ended([program], timeout, env=environment)
            return Result(done.returncode, done.stdout + done.stderr)
        arguments = [*self.emulator, "-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config",
                     "enable=on,target=native", "-kernel", program]
        result = None
        if count or self.aligned:
            result = self.run_counted(arguments, program, folder, timeout, self.wishes(program, count, per_address, inside))
            if result is None and count:
                raise Missing("this release of the emulator does not load the plugin that counts")
        if result is None:
            done = ended(arguments, timeout)
            result = Result(done.returncode, done.stdout + done.stderr)
        return result

    def run_counted(self, arguments, program, folder, timeout, wishes):
        """None where the emulator does not load the plugin."""
        counted = Path(folder, "count.txt")
        done = ended([*arguments, "-plugin", ",".join([str(plugin(folder)), f"out={counted}", *wishes])], timeout)
        if not counted.exists():
            return None
        result = Result(done.returncode, done.stdout + done.stderr, read_count(counted))
        return self.judge_alignment(program, result)

    def wishes(self, program, count, per_address, inside):
        """Arguments of the plugin."""
        symbols = self.symbols(program)
        marks = [address for address, name in symbols if name == "mark"]
        wishes = [f"mark={marks[0]:x}"] if marks else []
        if inside:
            start = next(address for address, name in symbols if name == inside)
            end = min(address for address, _ in symbols if address > start)
            wishes += [f"inside={start:x}", f"inside_bytes={end - start}"]
        if self.aligned and not count:
            wishes.append("aligned=1")
        if per_address:
            start = int(self.memory["flash"][0], 0)
            end = next(address for address, name in symbols if name == "image_code_end")
            wishes += [f"code={start:x}", f"bytes={end - start}"]
        return wishes

    def judge_alignment(self, program, result):
        if result.count.misaligned:
            at, access = result.count.misaligned
            names = [name for address, name in self.symbols(program) if address <= at]
            result.output += f"misaligned access to {access:#x} by {names[-1] if names else '?'} at {at:#x}\n"
            result.exit_code = result.exit_code or 98
        return result

    def symbols(self, program):
        """(address, name) of the program's functions, ascending."""
        listing = checked([self.tool("nm"), "--numeric-sort", program])
        found = re.findall(r"^([0-9a-f]+) [tTwW] (\S+)$", listing, re.M)
        return [(int(address, 16), name) for address, name in found if not name.startswith(("$", ".L"))]

    def profile(self, program, count):
        """(instructions, function) of each function that ran, most first."""
        sums, symbols, index = {}, self.symbols(program), 0
        for address, times in sorted(count.at.items()):
            while index + 1 < len(symbols) and symbols[index + 1][0] <= address:
                index += 1
            sums[symbols[index][1]] = sums.get(symbols[index][1], 0) + times
        return sorted(((times, name) for name, times in sums.items()), reverse=True)

    def by_line(self, program, count):
        """{line: instructions} of the function that was looked inside; the program must be built with -g1. What the
        compiler inlined counts for the line of the call."""
        addresses = [f"{address:#x}" for address in count.inside]
        listing = checked([self.tool("addr2line"), "-e", program, "-a", "-i", *addresses])
        lines = {}
        for found in re.split(r"^0x", listing, flags=re.M)[1:]:
            frames = found.splitlines()  # the address, then from the innermost inlined call to the function itself
            line = re.search(r":(\d+)(?: \(discriminator \d+\))?$", frames[-1])
            number = int(line[1]) if line else 0
            lines[number] = lines.get(number, 0) + count.inside[int(frames[0], 16)]
        return lines

    def annotate(self, program, count, function):
        """The function's disassembly, with how often each instruction ran in front."""
        listing = checked([self.tool("objdump"), "-d", "--no-show-raw-insn", f"--disassemble={function}", program])
        lines = []
        for line in listing.splitlines():
            address = re.match(r"\s*([0-9a-f]+):\t(.*)", line)
            if address:
                lines.append(f"{count.at.get(int(address[1], 16), 0):>12} {address[1]}  {address[2].expandtabs()}")
        return lines


def ended(arguments, timeout, **options):
    try:
        return command(arguments, timeout=timeout, stdin=subprocess.DEVNULL, **options)
    except subprocess.TimeoutExpired as error:
        raise Broken(f"{arguments[0]}: not at an end after {timeout} s") from error


def plugin(folder):
    path = Path(folder, "count.so")
    if not path.exists():
        checked(["gcc", "-O2", "-shared", "-fPIC", HERE / "count/count.c", "-o", path])
    return path


def read_count(path):
    count = Count()
    for line in path.read_text().splitlines():
        kind, *numbers = line.split()
        if kind == "total":
            count.total = int(numbers[0])
        elif kind == "mark":
            count.marks.append(int(numbers[0]))
        elif kind == "misaligned":
            count.misaligned = tuple(int(number, 16) for number in numbers)
        elif kind in ("at", "in"):
            (count.at if kind == "at" else count.inside)[int(numbers[0], 16)] = int(numbers[1])
    return count
