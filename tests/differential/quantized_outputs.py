"""Every model, compressed, loads and runs in onnxruntime; where there are test data, the simulated engine and
onnxruntime agree on the result: equal top-1 on 99.5 % of the samples. Shows by how many steps of the output they differ.

usage: quantized_outputs.py TINYC
"""
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

import common

LEAST_AGREEMENT = 0.995
MOST_SAMPLES, MOST_RUNS = 1000, 200  # with an open batch; with a fixed one, where each sample is a run


def output_step(path):
    """Scale of the DequantizeLinear that makes the model's first output, None when another node makes it."""
    graph = onnx.load(str(path)).graph
    maker = next((node for node in graph.node if graph.output[0].name in node.output), None)
    if maker is None or maker.op_type != "DequantizeLinear":
        return None
    scale = next((t for t in graph.initializer if t.name == maker.input[1]), None)
    return float(numpy_helper.to_array(scale).reshape(-1)[0]) if scale is not None else None


def histogram(ours, theirs, step):
    steps = np.rint(np.abs(ours - theirs) / step).astype(int)
    counts = np.bincount(np.minimum(steps, 5).reshape(-1), minlength=6)
    return " ".join(f"{n}{'+' if n == 5 else ''}:{100 * c / steps.size:.3f}%" for n, c in enumerate(counts) if c)


def compare(verdict, tinyc, model, folder):
    out = Path(folder, f"{model.name}.int8.onnx")
    tinyc.compress(model, out)
    feeds = common.generated_inputs(model, 1)
    results = common.session(out).run(None, feeds)
    good = all(np.isfinite(r).all() for r in results if np.issubdtype(r.dtype, np.floating))
    verdict.check(good, f"{model.name}: {model.path.stat().st_size} -> {out.stat().st_size} bytes, runs in onnxruntime")
    if model.test is None:
        return
    inputs, _ = model.samples(model.test, MOST_SAMPLES if common.open_batch(out) else MOST_RUNS)
    name = common.session(out).get_inputs()[0].name
    theirs = next(iter(common.run_onnxruntime(out, {name: inputs}).values()))
    ours = next(iter(run_batches(tinyc, out, name, inputs).values()))
    ours, theirs = ours.reshape(len(inputs), -1), theirs.reshape(len(inputs), -1)
    step = output_step(out)
    if step:
        print(f"      {model.name}: steps apart {histogram(ours, theirs, step)}")
    if ours.shape[1] <= 64:
        same = float((ours.argmax(1) == theirs.argmax(1)).mean())
        verdict.check(same >= LEAST_AGREEMENT, f"{model.name}: top-1 equal on {100 * same:.2f} % of {len(inputs)}")


def run_batches(tinyc, path, name, inputs):
    """The simulated engine over samples; one by one where the batch is fixed."""
    flags = ("--engine", "simulated")
    if common.open_batch(path):
        return tinyc.run(path, {name: inputs}, *flags)
    parts = [tinyc.run(path, {name: sample[None]}, *flags) for sample in inputs]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.models():
            verdict.attempt(model.name, lambda: compare(verdict, tinyc, model, folder))
    verdict.finish()


main()
