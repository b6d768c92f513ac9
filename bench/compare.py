#!/usr/bin/env python3
"""Accuracy, size, time and memory of tinyc beside onnxruntime's own quantizer, all measured in this run.

    cmake --preset bench && cmake --build --preset bench
    python3 bench/compare.py [--out docs/results.md]

Models and data are those of models/ and, where it is there, of ../shared. Times and memory are those of whole processes.
Needs numpy, onnx and onnxruntime (tests/differential/requirements.txt).
"""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LARGE = SHARED / "models/mobilenet_v2_deq_from_int8.onnx"
LARGE_SAMPLES = 100


@dataclass
class Task:
    name: str
    model: Path
    calib: Path
    test: Path
    scale: int = 1  # raw data are divided by it
    layout: str = "nchw"

    def data_flags(self):
        flags = ["--scale", f"1/{self.scale}"] if self.scale != 1 else []
        return flags + (["--layout", self.layout] if self.layout != "nchw" else [])

    def test_data(self):
        with np.load(self.test) as data:
            inputs, labels = data["input"].astype(np.float32) / np.float32(self.scale), data["labels"]
        return (np.ascontiguousarray(inputs.transpose(0, 3, 1, 2)) if self.layout == "nhwc" else inputs), labels


def tasks():
    own, models, data = ROOT / "models", SHARED / "models", SHARED / "data"
    listed = [
        Task("KWS", models / "mlperf_kws_dscnn_h5.onnx", data / "kws_calib.npz", data / "kws_test.npz"),
        Task("ResNet-8", models / "mlperf_ic_resnet8_h5.onnx", data / "cifar10_calib.npz", data / "cifar10_test.npz",
             layout="nhwc"),
        Task("VWW", models / "mlperf_vww_96_float.onnx", data / "vww_calib.npz", data / "vww_test.npz", 255, "nhwc"),
        Task("shapes", own / "shapes.onnx", own / "shapes_calib.npz", own / "shapes_test.npz", 255),
        Task("shapes_vit", own / "shapes_vit.onnx", own / "shapes_calib.npz", own / "shapes_test.npz", 255),
        Task("gestures", own / "gestures.onnx", own / "gestures_calib.npz", own / "gestures_test.npz"),
        Task("vibration", own / "vibration.onnx", own / "vibration_calib.npz", own / "vibration_test.npz"),
    ]
    return [task for task in listed if task.model.exists() and task.test.exists()]


def measured(*command):
    """Seconds and peak memory of a whole process."""
    done = subprocess.run([sys.executable, ROOT / "bench/measure.py", *map(str, command)], capture_output=True, text=True)
    result = json.loads(done.stdout)
    if result["exit"] != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {result['exit']}\n{done.stderr}")
    return result


class Bench:
    def __init__(self, tinyc, folder):
        self.tinyc, self.folder = tinyc, Path(folder)

    def ours(self, task, out, *flags):
        return measured(self.tinyc, "compress", task.model, "--int8", "--calib", task.calib, *task.data_flags(),
                        "-o", out, *flags)

    def theirs(self, task, out, *flags):
        scale = ["--scale", 1 / task.scale] if task.scale != 1 else []
        return measured(sys.executable, ROOT / "bench/quantize_onnxruntime.py", task.model, task.calib, out,
                        "--layout", task.layout, *scale, *flags)

    def variants(self):
        """(name, how it is made) of every row but the float one."""
        yield "tinyc", lambda task, out: self.ours(task, out)
        yield "tinyc -O1", lambda task, out: self.ours(task, out, "-O1")
        yield "tinyc --per-tensor", lambda task, out: self.ours(task, out, "--per-tensor")
        for method in ("minmax", "percentile"):
            yield (f"onnxruntime per channel, {method}",
                   lambda task, out, m=method: self.theirs(task, out, "--method", m))
        for method in ("minmax", "percentile"):
            yield (f"onnxruntime per tensor, {method}",
                   lambda task, out, m=method: self.theirs(task, out, "--per-tensor", "--method", m))


def outputs(path, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    first = session.get_inputs()[0]
    step = first.shape[0] if isinstance(first.shape[0], int) else 100
    parts = [session.run(None, {first.name: inputs[i:i + step]})[0] for i in range(0, len(inputs), step)]
    return np.concatenate(parts).reshape(len(inputs), -1).astype(np.float64)


def area_under_curve(scores, labels):
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    positive = labels == 1
    count = positive.sum()
    return (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(labels) - count))


def score(task, result, inputs, labels):
    """Top-1 in percent; of an autoencoder the area under the curve of its reconstruction error, in percent."""
    if task.name == "vibration":
        return 100 * area_under_curve(((result - inputs.reshape(len(inputs), -1)) ** 2).mean(1), labels)
    return 100 * float((result.argmax(1) == labels).mean())


def accuracy_table(bench):
    lines = ["| model | variant | score % | SQNR dB | agreement % | bytes | s | CPU s | peak MB |",
             "|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    for task in tasks():
        inputs, labels = task.test_data()
        reference = outputs(task.model, inputs)
        size = task.model.stat().st_size
        lines.append(f"| {task.name} | float | {score(task, reference, inputs, labels):.2f} | | | {size:,} | | | |")
        for variant, make in bench.variants():
            out = bench.folder / "out.onnx"
            cost = make(task, out)
            result = outputs(out, inputs)
            noise = ((result - reference) ** 2).sum()
            sqnr = 10 * np.log10((reference ** 2).sum() / max(noise, 1e-300))
            same = f"{100 * float((result.argmax(1) == reference.argmax(1)).mean()):.2f}"
            lines.append(f"| {task.name} | {variant} | {score(task, result, inputs, labels):.2f} | {sqnr:.1f} "
                         f"| {'' if task.name == 'vibration' else same} | {out.stat().st_size:,} "
                         f"| {cost['seconds']:.2f} | {cost['cpu_seconds']:.2f} | {cost['peak_mb']:.0f} |")
            print(lines[-1], flush=True)
    return lines


def synthetic_images(count, path):
    """Smooth random pictures with noise, as a network for photos sees them."""
    rng = np.random.default_rng(0)
    coarse = rng.normal(0, 1, (count, 3, 8, 8)).astype(np.float32)
    images = np.repeat(np.repeat(coarse, 28, 2), 28, 3) + 0.2 * rng.normal(0, 1, (count, 3, 224, 224))
    np.savez(path, input=np.clip(images, -2.1, 2.6).astype(np.float32))


def calibration_table(bench):
    lines = ["| model | how | s | CPU s | peak MB |", "|---|---|---:|---:|---:|"]

    def row(name, how, cost):
        lines.append(f"| {name} | {how} | {cost['seconds']:.2f} | {cost['cpu_seconds']:.2f} | {cost['peak_mb']:.0f} |")
        print(lines[-1], flush=True)

    out = bench.folder / "out.onnx"
    if LARGE.exists():
        images = bench.folder / "images.npz"
        synthetic_images(LARGE_SAMPLES, images)
        task = Task(f"MobileNetV2, {LARGE_SAMPLES} images", LARGE, images, images)
        row(task.name, "onnxruntime, minmax", bench.theirs(task, out))
        for observer in ("minmax", "ema", "percentile", "entropy", "mse"):
            row(task.name, f"tinyc -O1, {observer}", bench.ours(task, out, "-O1", "--observer", observer))
    for task in tasks()[:4]:
        row(task.name, "onnxruntime, minmax", bench.theirs(task, out))
        row(task.name, "tinyc -O1", bench.ours(task, out, "-O1"))
    return lines


def speed_table(program):
    """What float_speed.py prints, as a block."""
    if not Path(program).exists() or not LARGE.exists():
        return ["Not measured: needs the preset `bench` and the models of `../shared`."]
    done = subprocess.run([sys.executable, ROOT / "bench/float_speed.py", "--program", program], capture_output=True,
                          text=True, check=True)
    print(done.stdout)
    return ["```", *done.stdout.rstrip().splitlines(), "```"]


def machine():
    info = Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*: (.*)", info)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{len(os.sched_getaffinity(0))} cores of {name[1] if name else platform.machine()}, {memory:.0f} GiB, "
            f"{platform.system()} {platform.release().split('-')[0]}, onnxruntime {onnxruntime.__version__}, "
            f"Python {platform.python_version()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tinyc", default=ROOT / "build/tinyc", help="the program (default: build/tinyc)")
    parser.add_argument("--speed", default=ROOT / "build/bench/tinyc_float_bench", help="the float benchmark")
    parser.add_argument("--out", type=Path, help="write the results here, as Markdown")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.tinyc, folder)
        text = "\n".join([
            "# Results", "",
            f"Measured by `python3 bench/compare.py` on {datetime.date.today()}: {machine()}. One run on one machine:",
            "compare within a table. On microcontroller cores: [results_device.md](results_device.md).", "",
            "## Accuracy", "",
            "8-bit weights and activations. Score: top-1 on the test data (vibration: area under the ROC curve); SQNR of the",
            "output and agreement of first places against float, in onnxruntime. Seconds and peak memory are those of the",
            "whole quantizing process, Python's start included.", "",
            *accuracy_table(bench), "",
            "## Calibration", "",
            "Whole processes, the same data.", "",
            *calibration_table(bench), "",
            "## Float speed", "",
            "Milliseconds a sample on one thread, each at its best batch; the last column is tinyc's speed over onnxruntime's.",
            "", *speed_table(args.speed), ""])
    if args.out:
        args.out.write_text(text)


if __name__ == "__main__":
    main()
