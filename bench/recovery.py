#!/usr/bin/env python3
"""What each accuracy pass is worth: float, nearest rounding, each pass of -O2 added in its order, -O3, onnxruntime.

    python3 bench/recovery.py [--out docs/results_recovery.md] [MODEL ...]

For every model of compare.py and some bit widths. SQNR of the output and top-1 on the test data, calibrated on the
calibration data; measured by onnxruntime on the written model, and for the last rows by the device kernels (integer
engine) too. Seconds and memory are those of whole processes. Needs what compare.py needs; takes some minutes, with -O3
half an hour (--no-o3 leaves it out).
"""
import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np

import compare

WIDTHS = [("8 / 8 per channel", ["--int8"]), ("8 / 8 per tensor", ["--int8", "--per-tensor"]),
          ("4 / 8 per channel", ["--int4"]), ("3 / 8 per channel", ["--int8", "--weight-bits", "3"]),
          ("2 / 8 per channel", ["--int8", "--weight-bits", "2"])]
STAGES = ("rewrite", "annotate", "repair")
# Other tools on the same files, every layer in integers: (weights, how, SQNR dB, top-1 %). They need environments of their
# own, so they are not run here: measured on 2026-11-21 with these versions, on one core.
PEERS = {
    "KWS": [("8 / 8 per channel", "AIMET 2.42", 21.8, 92.17), ("8 / 8 per channel", "NNCF 3.4, full bias correction", 23.2, 92.39),
            ("8 / 8 per channel", "onnxsim 0.8, entropy", 24.8, 91.89), ("8 / 8 per channel", "esp-ppq 1.3, LSQ", 23.2, 91.83),
            ("4 / 8 per channel", "AIMET 2.42, SeqMSE", 18.4, 92.72),
            ("4 / 8 per channel", "AIMET 2.42, AdaRound, 38 CPU s", 19.0, 91.56)],
    "ResNet-8": [("8 / 8 per channel", "AIMET 2.42", 23.4, 87.50),
                 ("8 / 8 per channel", "NNCF 3.4, full bias correction", 24.9, 88.00),
                 ("8 / 8 per channel", "onnxsim 0.8, entropy", 24.4, 87.75), ("8 / 8 per channel", "esp-ppq 1.3, LSQ", 24.9, 88.00),
                 ("4 / 8 per channel", "AIMET 2.42, SeqMSE", 9.1, 80.75),
                 ("4 / 8 per channel", "AIMET 2.42, AdaRound, 67 CPU s", 11.8, 83.75)],
    "VWW": [("8 / 8 per channel", "AIMET 2.42", 25.9, 86.50), ("8 / 8 per channel", "NNCF 3.4, full bias correction", 24.9, 85.25),
            ("8 / 8 per channel", "onnxsim 0.8, full graph", 23.5, 86.00), ("8 / 8 per channel", "esp-ppq 1.3, LSQ", 26.3, 85.00),
            ("4 / 8 per channel", "AIMET 2.42, SeqMSE", 9.0, 74.00),
            ("4 / 8 per channel", "AIMET 2.42, AdaRound, 157 CPU s", 19.0, 85.25)],
}
HEAD = ["| weights / activations | how | SQNR dB | score % | device SQNR dB | device score % | bytes | s | CPU s | peak MB |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]


class Ladder:
    """Recipes between -O1 and -O2, a pass more each."""

    def __init__(self, tinyc):
        self.first, self.last = (self.passes(tinyc, level) for level in ("-O1", "-O2"))

    @staticmethod
    def passes(tinyc, level):
        text = subprocess.run([tinyc, "compress", "m.onnx", level, "--print-recipe"], capture_output=True, text=True,
                              check=True).stdout
        return tomllib.loads(text)["passes"]

    def steps(self):
        """(the name of what is added, the passes by stage)."""
        taken = {stage: list(self.first[stage]) for stage in STAGES}
        for stage in STAGES:
            for name in self.last[stage]:
                if name in taken[stage]:
                    continue
                taken[stage] = [it for it in self.last[stage] if it in taken[stage] or it == name]
                yield name, {key: list(value) for key, value in taken.items()}


class Rows:
    def __init__(self, bench, task):
        self.bench, self.task = bench, task
        self.inputs, self.labels = task.test_data()
        self.reference = compare.outputs(task.model, self.inputs)
        self.last = b""
        self.score = compare.score(task, self.reference, self.inputs, self.labels)

    def sqnr(self, result):
        noise = ((result - self.reference) ** 2).sum()
        return 10 * np.log10((self.reference**2).sum() / max(noise, 1e-300))

    def device(self, *flags):
        """SQNR and top-1 by the kernels that C is made of; blanks where the model cannot be C."""
        report = self.bench.folder / "report.json"
        done = subprocess.run([self.bench.tinyc, "compress", self.task.model, *self.task.data_flags(), "--calib",
                               self.task.calib, "--eval-data", self.task.test, "--emit", "c", "-o", self.bench.folder / "c",
                               "--report", report, *flags], capture_output=True, text=True)
        if done.returncode != 0:
            return "", ""
        measured = json.loads(report.read_text())
        top1 = measured.get("top1")
        return f"{measured['outputs'][0]['sqnr_db']:.1f}", "" if top1 is None else f"{top1:.2f}"

    # None where the model is the one of the row above, byte for byte.
    def row(self, width, how, make, *device_flags):
        out = self.bench.folder / "out.onnx"
        cost = make(out)
        written = out.read_bytes()
        if written == self.last and not device_flags:
            return None
        self.last = written
        result = compare.outputs(out, self.inputs)
        device = self.device(*device_flags) if device_flags else ("", "")
        line = (f"| {width} | {how} | {self.sqnr(result):.1f} "
                f"| {compare.score(self.task, result, self.inputs, self.labels):.2f} | {device[0]} | {device[1]} "
                f"| {out.stat().st_size:,} | {cost['seconds']:.2f} | {cost['cpu_seconds']:.2f} | {cost['peak_mb']:.0f} |")
        print(line, flush=True)
        return line

    def ours(self, *flags):
        return lambda out: compare.measured(self.bench.tinyc, "compress", self.task.model, "--calib", self.task.calib,
                                            *self.task.data_flags(), "-o", out, *flags)

    def without_data(self):
        return lambda out: compare.measured(self.bench.tinyc, "compress", self.task.model, "--int8", "-o", out)


def recipe_file(folder, passes):
    path = Path(folder, "recipe.toml")
    lines = [f"{stage} = [{', '.join(json.dumps(name) for name in names)}]" for stage, names in passes.items()]
    path.write_text("\n".join(["[passes]", *lines, ""]))
    return path


def table(bench, ladder, task, with_o3):
    rows = Rows(bench, task)
    print(f"{task.name}: float {rows.score:.2f}", flush=True)
    lines = [f"## {task.name}", "", f"Float: score {rows.score:.2f} %, {task.model.stat().st_size:,} bytes.", "", *HEAD]
    for width, flags in WIDTHS:
        lines.append(rows.row(width, "nearest rounding (-O1)", rows.ours(*flags, "-O1")))
        for name, passes in ladder.steps():
            recipe = recipe_file(bench.folder, passes)
            lines.append(rows.row(width, f"+ {name}", rows.ours("--recipe", recipe, *flags)))
        for level in ("-O2", "-O3") if with_o3 else ("-O2",):
            lines.append(rows.row(width, level, rows.ours(*flags, level), *flags, level))
        if flags[0] == "--int8" and len(flags) <= 2 and "--weight-bits" not in flags:
            for method in ("minmax", "percentile"):
                extra = ["--per-tensor"] if "--per-tensor" in flags else []
                lines.append(rows.row(width, f"onnxruntime, {method}",
                                      lambda out, m=method: bench.theirs(task, out, "--method", m, *extra)))
    lines.append(rows.row("8 / 8 without data", "-O2", rows.without_data()))
    for width, how, sqnr, score in PEERS.get(task.name, []):
        lines.append(f"| {width} | {how} | {sqnr} | {score:.2f} |  |  |  |  |  |  |")
    return [*(line for line in lines if line is not None), ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tinyc", default=compare.ROOT / "build/tinyc", help="the program (default: build/tinyc)")
    parser.add_argument("--no-o3", action="store_true", help="leave -O3 out")
    parser.add_argument("--out", type=Path, help="write the results here, as Markdown")
    parser.add_argument("models", nargs="*", help="names of models (default: all)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench, ladder = compare.Bench(args.tinyc, folder), Ladder(args.tinyc)
        tasks = [task for task in compare.tasks() if not args.models or task.name in args.models]
        if not tasks:
            sys.exit("no such model")
        lines = ["# What each accuracy pass is worth", "",
                 f"Measured by `python3 bench/recovery.py` on {datetime.date.today()}: {compare.machine()}.",
                 "Each row adds one pass to the row above it; -O2 is all of them. SQNR of the output against float and score",
                 "(top-1; vibration: area under the ROC curve) on the test data, by onnxruntime on the written model and by",
                 "the kernels of emitted C (device). Passes that left the model as it was have no row. Rows without seconds are",
                 "other tools, measured once on the same files and not run by the script.", ""]
        for task in tasks:
            lines += table(bench, ladder, task, not args.no_o3)
    if args.out:
        args.out.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
