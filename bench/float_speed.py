#!/usr/bin/env python3
"""Float speed of tinyc and of onnxruntime, one thread each, side by side in one run.

    cmake --preset bench && cmake --build build
    python bench/float_speed.py [--program build/bench/tinyc_float_bench] [--models DIR] [NAME ...]

The two take turns for a few rounds, each at every batch size that the model accepts, and the best time of each counts:
so a busy machine slows both alike. Times are processor time of the one thread, in milliseconds a sample.
Needs numpy and onnxruntime.
"""

import argparse
import json
import pathlib
import subprocess
import time

import numpy as np
import onnxruntime as ort

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFAULT_NAMES = [
    "mlperf_kws_dscnn_h5",
    "mlperf_ic_resnet8_h5",
    "mlperf_vww_96_float",
    "squeezenet_fp32",
    "mobilenet_v2_deq_from_int8",
]
BATCHES = [1, 4, 16, 64]


def ours(program, path, batches, seconds):
    """Milliseconds a sample by batch."""
    command = [program, "--benchmark_format=json", f"--benchmark_min_time={seconds}",
               ",".join(map(str, batches)), str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    times = {}
    for entry in json.loads(output)["benchmarks"]:
        batch = int(entry["name"].rsplit("/", 1)[1])
        times[batch] = entry["cpu_time"] / batch
    return times


def theirs(session, batches, seconds):
    """Milliseconds a sample by batch."""
    model_input = session.get_inputs()[0]
    times = {}
    for batch in batches:
        if isinstance(model_input.shape[0], int) and model_input.shape[0] != batch:
            continue
        feed = {model_input.name: np.random.default_rng(1).standard_normal(
            [batch] + model_input.shape[1:], dtype=np.float32)}
        session.run(None, feed)
        runs, start = 0, time.process_time()
        while time.process_time() - start < seconds:
            session.run(None, feed)
            runs += 1
        times[batch] = (time.process_time() - start) * 1e3 / runs / batch
    return times


def merge(best, new):
    for batch, milliseconds in new.items():
        best[batch] = min(best.get(batch, milliseconds), milliseconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=DEFAULT_NAMES, help="models, without .onnx")
    parser.add_argument("--program", default=str(ROOT / "build/bench/tinyc_float_bench"))
    parser.add_argument("--models", type=pathlib.Path, default=ROOT.parent / "shared/models")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2, help="for each model, batch and round")
    args = parser.parse_args()

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    print(f"onnxruntime {ort.__version__}; milliseconds a sample, each at its best batch")
    print(f"{'model':32}{'tinyc':>10}{'batch':>7}{'ort':>10}{'batch':>7}{'ort/tinyc':>11}")
    for name in args.names:
        path = args.models / f"{name}.onnx"
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        best_ours, best_theirs = {}, {}
        for _ in range(args.rounds):
            merge(best_ours, ours(args.program, path, BATCHES, args.seconds))
            merge(best_theirs, theirs(session, BATCHES, args.seconds))
        our_batch = min(best_ours, key=best_ours.get)
        their_batch = min(best_theirs, key=best_theirs.get)
        ratio = best_theirs[their_batch] / best_ours[our_batch]
        print(f"{name:32}{best_ours[our_batch]:10.4f}{our_batch:7}{best_theirs[their_batch]:10.4f}{their_batch:7}"
              f"{ratio:11.2f}", flush=True)


if __name__ == "__main__":
    main()
