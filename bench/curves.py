#!/usr/bin/env python3
"""Accuracy over the bytes that weights take: bits, coded weights and pruning, swept; curves as SVG and a table.

    python3 bench/curves.py [--svg docs/curves.svg] [--out docs/results_size.md] [MODEL ...]

Of each model and point: top-1 on the test data with 8-bit activations, and the bytes of all weights: by bits as
ONNX holds them (int8 or int4), else in the smallest coded form (`storage` of the report); scales and biases not counted. Needs the models and data beside the
project that compare.py names; takes some minutes.
"""
import argparse
import datetime
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import compare

DATA = compare.SHARED / "data"
TASKS = [task for task in compare.tasks() if task.name in ("KWS", "ResNet-8", "VWW")] + [
    compare.Task(name, compare.SHARED / "models" / file, DATA / "mnist_train2000.npz", DATA / "mnist_test.npz", 255)
    for name, file in (("LeNet-300-100", "lenet_300_100.onnx"), ("LeNet-5", "lenet5.onnx"))]
BITS = (8, 7, 6, 5, 4, 3, 2, 1)
NOISES = (0.00125, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
SPARSITIES = (*(step / 10 for step in range(1, 10)), 0.95)
COLOURS = {"bits": "#4269d0", "coded": "#ff725c", "pruned, coded": "#3ca951"}
WIDTH, HEIGHT, LEFT, TOP, GAP = 330, 300, 46, 40, 34


class Sweep:
    def __init__(self, tinyc, folder, task):
        self.tinyc, self.folder, self.task = tinyc, Path(folder), task

    def compress(self, quantization, *flags, coded=True):
        """(bytes of the weights, top-1, the same of the float model); nothing where tinyc refuses."""
        recipe, report = self.folder / "recipe.toml", self.folder / "report.json"
        recipe.write_text("[quantization]\n" + "".join(f"{key} = {value}\n" for key, value in quantization.items()))
        done = subprocess.run(
            [self.tinyc, "compress", self.task.model, "--int8", "--calib", self.task.calib, "--eval-data", self.task.test,
             *self.task.data_flags(), "--recipe", recipe, "--report", report, "--emit", "onnx", "-o",
             self.folder / "out.onnx", *flags],
            capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr.strip(), file=sys.stderr)
            return None
        found = json.loads(report.read_text())
        stored = sum(layer["bytes"] for layer in found.get("storage", [])) if coded else found["weight_bytes"]
        return stored, found["top1"], found["weight_bytes_before"], found["top1_float"]

    def series(self):
        yield "bits", [(f"{bits} bits", self.compress({}, "--weight-bits", str(bits), coded=False)) for bits in BITS]
        yield "coded", [(f"noise {noise}", self.compress({"weight_noise": noise})) for noise in NOISES]
        yield "pruned, coded", [(f"{share:.0%} zeros", self.compress({}, "--prune", str(share))) for share in SPARSITIES]


class Panel:
    """Axes of one model: bytes to the right, logarithmic; top-1 upwards."""

    def __init__(self, index, name, series):
        points = [point for _, listed in series for _, point in listed]
        self.name, self.series, self.left = name, series, LEFT + index * (WIDTH + GAP)
        self.low = math.floor(math.log2(min(point[0] for point in points)))
        self.high = math.ceil(math.log2(max(point[0] for point in points)))
        self.float = points[0][3]
        self.bottom = max(0, 10 * math.floor(min(self.float - 30, 100) / 10))

    def x(self, size):
        return self.left + (math.log2(size) - self.low) / (self.high - self.low) * WIDTH

    def y(self, top1):
        share = (max(top1, self.bottom) - self.bottom) / (100 - self.bottom)
        return TOP + (1 - share) * HEIGHT

    def svg(self):
        yield f'<text x="{self.left}" y="{TOP - 14}" class="title">{self.name}</text>'
        for power in range(self.low, self.high + 1):
            x, size = self.x(2**power), 2**power
            label = f"{size // 1024} KiB" if size >= 1024 else str(size)
            yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{TOP + HEIGHT}" class="grid"/>'
            yield f'<text x="{x:.1f}" y="{TOP + HEIGHT + 16}" class="tick" text-anchor="middle">{label}</text>'
        for top1 in range(self.bottom, 101, 10):
            y = self.y(top1)
            yield f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.left + WIDTH}" y2="{y:.1f}" class="grid"/>'
            yield f'<text x="{self.left - 6}" y="{y + 4:.1f}" class="tick" text-anchor="end">{top1}</text>'
        y = self.y(self.float)
        yield f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.left + WIDTH}" y2="{y:.1f}" class="float"/>'
        for name, listed in self.series:
            path = " ".join(f"{self.x(size):.1f},{self.y(top1):.1f}" for _, (size, top1, *_) in listed)
            yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.8"/>'
            for label, (size, top1, *_) in listed:
                yield (f'<circle cx="{self.x(size):.1f}" cy="{self.y(top1):.1f}" r="3" fill="{COLOURS[name]}">'
                       f"<title>{label}: {size:,} bytes, {top1:.2f} %</title></circle>")


def drawing(found):
    width, height = LEFT + len(found) * (WIDTH + GAP), TOP + HEIGHT + 60
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
             "<style>.title{font-size:15px;font-weight:600}.tick{font-size:11px;fill:#555}.grid{stroke:#ddd}"
             ".float{stroke:#888;stroke-dasharray:5 4}</style>",
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for index, (name, series) in enumerate(found):
        lines += Panel(index, name, series).svg()
    x = LEFT
    for name, colour in COLOURS.items():
        lines.append(f'<rect x="{x}" y="{height - 22}" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{x + 18}" y="{height - 12}" class="tick">{name}</text>')
        x += 150
    lines.append(f'<text x="{x}" y="{height - 12}" class="tick">top-1 (%) over bytes of weights; dashed: float</text>')
    return "\n".join([*lines, "</svg>", ""])


def table(name, series):
    _, _, bytes_float, score = series[0][1][0][1]
    lines = [f"## {name}", "", f"Float: {score:.2f} %, {bytes_float:,} bytes.", "",
             "| weights | bytes | under float32 | top-1 % |", "|---|---:|---:|---:|"]
    for _, listed in series:
        lines += [f"| {label} | {size:,} | {bytes_float / size:.1f}x | {top1:.2f} |" for label, (size, top1, *_) in listed]
    return [*lines, ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tinyc", default=compare.ROOT / "build/tinyc", help="the program (default: build/tinyc)")
    parser.add_argument("--svg", type=Path, help="draw the curves here")
    parser.add_argument("--out", type=Path, help="write the table here, as Markdown")
    parser.add_argument("models", nargs="*", default=[task.name for task in TASKS], help="names of models")
    args = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            if task.name not in args.models or not task.model.exists():
                continue
            sweep = Sweep(args.tinyc, folder, task)
            series = [(name, [(label, point) for label, point in listed if point]) for name, listed in sweep.series()]
            found.append((task.name, series))
            print("\n".join(table(task.name, series)), flush=True)
    if not found:
        sys.exit("no such model, or its data are missing")
    if args.svg:
        args.svg.write_text(drawing(found))
    if args.out:
        head = ["# Accuracy over size", "",
                f"Measured by `python3 bench/curves.py` on {datetime.date.today()}. Bytes are those of all weights: by bits as ONNX holds",
                "them (int8 or int4), else in the smallest coded form; scales and biases not counted. Activations have 8 bits; top-1 on the test data.", "",
                "![Top-1 over bytes of weights](curves.svg)", ""]
        args.out.write_text("\n".join([*head, *(line for name, series in found for line in table(name, series))]))


if __name__ == "__main__":
    main()
