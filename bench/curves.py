#!/usr/bin/env python3
"""What accuracy costs: top-1 over bytes (bits, coded weights, pruned weights) and over MACs (channels), swept.

    python3 bench/curves.py [--svg docs/curves.svg] [--out docs/results_size.md] [MODEL ...]

Of each model and point: top-1 on the test data with 8-bit activations. Bytes are all constants of the emitted C: weights,
codebooks and indices, tables, biases and scales; coded weights are in the arithmetic coder's form. MACs are those of a
sample. Needs the models and data beside the project that compare.py names; takes half an hour.
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
SHARES = tuple(step / 10 for step in range(1, 10))
CODED = ("--weight-coder", "arithmetic")
SERIES = {  # by key of the report that they are drawn over
    "bytes_after": {
        "bits": [(f"{bits} bits", {}, ("--weight-bits", str(bits))) for bits in BITS],
        "coded": [(f"noise {noise}", {"weight_noise": noise}, CODED) for noise in NOISES],
        "pruned, coded": [(f"{share:.0%} zeros", {}, ("--prune", str(share), *CODED)) for share in SPARSITIES],
    },
    "macs": {
        "channels": [(f"channels:{share}", {}, ("--prune", f"channels:{share}")) for share in SHARES],
        "rows": [(f"rows:{share}", {}, ("--prune", f"rows:{share}")) for share in SHARES],
    },
}
CONVOLUTIONAL = ("KWS", "ResNet-8", "VWW")  # drawn over MACs too
COLOURS = ("#4269d0", "#ff725c", "#3ca951")
WIDTH, HEIGHT, LEFT, TOP, GAP = 330, 300, 46, 40, 34


class Sweep:
    def __init__(self, tinyc, folder, task):
        self.tinyc, self.folder, self.task = tinyc, Path(folder), task

    def compress(self, quantization, flags):
        """The report; nothing where tinyc refuses."""
        recipe, report = self.folder / "recipe.toml", self.folder / "report.json"
        recipe.write_text("[quantization]\n" + "".join(f"{key} = {value}\n" for key, value in quantization.items()))
        done = subprocess.run(
            [self.tinyc, "compress", self.task.model, "--int8", "--calib", self.task.calib, "--eval-data", self.task.test,
             *self.task.data_flags(), "--recipe", recipe, "--report", report, "--emit", "c", "-o", self.folder / "out", *flags],
            capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stderr.strip(), file=sys.stderr)
            return None
        return json.loads(report.read_text())

    def series(self, key):
        """[(name, [(label, cost, top-1)])]"""
        for name, points in SERIES[key].items():
            found = [(label, self.compress(quantization, flags)) for label, quantization, flags in points]
            yield name, [(label, report[key], report["top1"]) for label, report in found if report]


def byte_label(size):
    return f"{size // 1024} KiB" if size >= 1024 else str(size)


def count_label(count):
    return f"{count / 1e6:.3g} M" if count >= 1e6 else f"{count / 1e3:.3g} k"


class Panel:
    """Axes of one model: cost to the right, logarithmic; top-1 upwards."""

    def __init__(self, index, row, name, label, top1_float, series):
        costs = [cost for _, listed in series for _, cost, _ in listed]
        self.name, self.label, self.float, self.series = name, label, top1_float, series
        self.left, self.top = LEFT + index * (WIDTH + GAP), TOP + row * (HEIGHT + 80)
        self.low, self.high = math.floor(2 * math.log2(min(costs))) / 2, math.ceil(2 * math.log2(max(costs))) / 2
        self.bottom = max(0, 10 * math.floor(min(self.float - 30, 100) / 10))

    def x(self, cost):
        return self.left + (math.log2(cost) - self.low) / (self.high - self.low) * WIDTH

    def y(self, top1):
        share = (max(top1, self.bottom) - self.bottom) / (100 - self.bottom)
        return self.top + (1 - share) * HEIGHT

    def svg(self):
        yield f'<text x="{self.left}" y="{self.top - 14}" class="title">{self.name}</text>'
        for power in range(math.ceil(self.low), math.floor(self.high) + 1):
            x = self.x(2**power)
            yield f'<line x1="{x:.1f}" y1="{self.top}" x2="{x:.1f}" y2="{self.top + HEIGHT}" class="grid"/>'
            yield (f'<text x="{x:.1f}" y="{self.top + HEIGHT + 16}" class="tick" text-anchor="middle">'
                   f"{self.label(2**power)}</text>")
        for top1 in range(self.bottom, 101, 10):
            y = self.y(top1)
            yield f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.left + WIDTH}" y2="{y:.1f}" class="grid"/>'
            yield f'<text x="{self.left - 6}" y="{y + 4:.1f}" class="tick" text-anchor="end">{top1}</text>'
        y = self.y(self.float)
        yield f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.left + WIDTH}" y2="{y:.1f}" class="float"/>'
        for colour, (_, listed) in zip(COLOURS, self.series):
            path = " ".join(f"{self.x(cost):.1f},{self.y(top1):.1f}" for _, cost, top1 in listed)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
            for label, cost, top1 in listed:
                yield (f'<circle cx="{self.x(cost):.1f}" cy="{self.y(top1):.1f}" r="3" fill="{colour}">'
                       f"<title>{label}: {cost:,}, {top1:.2f} %</title></circle>")


def legend(names, text, y):
    x = LEFT
    for colour, name in zip(COLOURS, names):
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="{y}" class="tick">{name}</text>'
        x += 150
    yield f'<text x="{x}" y="{y}" class="tick">{text}; dashed: float</text>'


def drawing(found):
    rows = [("bytes_after", byte_label, "top-1 (%) over bytes of all constants"), ("macs", count_label, "top-1 (%) over MACs")]
    width, height = LEFT + len(found) * (WIDTH + GAP), TOP + len(rows) * (HEIGHT + 80)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
             "<style>.title{font-size:15px;font-weight:600}.tick{font-size:11px;fill:#555}.grid{stroke:#ddd}"
             ".float{stroke:#888;stroke-dasharray:5 4}</style>",
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for row, (key, label, text) in enumerate(rows):
        for index, (name, base, series) in enumerate(one for one in found if key in one[2]):
            lines += Panel(index, row, name, label, base["top1_float"], series[key]).svg()
        lines += legend(SERIES[key], text, TOP + row * (HEIGHT + 80) + HEIGHT + 40)
    return "\n".join([*lines, "</svg>", ""])


def table(name, base, series):
    bytes_float, macs = 4 * base["params"], base["macs_before"]
    lines = [f"## {name}", "", f"Float: {base['top1_float']:.2f} %, {bytes_float:,} bytes, {macs:,} MACs.", "",
             "| weights | bytes | under float32 | top-1 % |", "|---|---:|---:|---:|"]
    for _, listed in series["bytes_after"]:
        lines += [f"| {label} | {cost:,} | {bytes_float / cost:.1f}x | {top1:.2f} |" for label, cost, top1 in listed]
    if "macs" in series:
        lines += ["", "| channels | MACs | share | top-1 % |", "|---|---:|---:|---:|"]
    for _, listed in series.get("macs", []):
        lines += [f"| {label} | {cost:,} | {cost / macs:.0%} | {top1:.2f} |" for label, cost, top1 in listed]
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
            base = sweep.compress({}, ())
            keys = SERIES if task.name in CONVOLUTIONAL else ("bytes_after",)
            found.append((task.name, base, {key: list(sweep.series(key)) for key in keys}))
            print("\n".join(table(*found[-1])), flush=True)
    if not found:
        sys.exit("no such model, or its data are missing")
    if args.svg:
        args.svg.write_text(drawing(found))
    if args.out:
        head = ["# Accuracy over size", "",
                f"Measured by `python3 bench/curves.py` on {datetime.date.today()}. Bytes are those of all constants of the emitted C:",
                "weights, codebooks and indices, tables, biases and scales; coded weights in the arithmetic coder's form. They are over",
                "those of the parameters in float32, batch normalization folded. MACs are those of a sample. Activations have 8 bits;",
                "top-1 on the test data. channels:S takes channels out of the whole model until a share S of the MACs is gone, trying which",
                "at its end; rows:S, for comparison, zeros the rows of weights that cost least, and what they alone made goes with them.", "",
                "![Top-1 over bytes of weights and over MACs](curves.svg)", ""]
        args.out.write_text("\n".join([*head, *(line for one in found for line in table(*one))]))


if __name__ == "__main__":
    main()
