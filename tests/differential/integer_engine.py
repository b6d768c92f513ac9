"""The device kernels, run on the host, against onnxruntime on the same quantized model: equal top-1 on at least 99 % of the
test samples. Prints the histogram of differences of the outputs, in steps of their grid.

usage: integer_engine.py TINYC
"""
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

import common

MODELS = ("shapes", "vibration", "mlperf_kws_dscnn_h5", "mlperf_ic_resnet8_h5", "mlperf_vww_96_float", "lenet_300_100",
          "lenet5", "mnist8_cntk")
LEAST_AGREEMENT = 0.99
MOST_SINGLE_SAMPLES = 200  # of a model with a fixed batch
LEAST_SQNR_DB = 30  # of an output that has no classes


def output_scale(path):
    """The step of the first output's grid."""
    graph = onnx.load(path).graph
    makers = {node.output[0]: node for node in graph.node}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    scale = makers[graph.output[0].name].input[1]
    return float(onnx.numpy_helper.to_array(constants[scale]).reshape(-1)[0])


def run_integer(tinyc, path, name, inputs):
    """A model of fixed batch is run sample by sample."""
    parts = [inputs] if common.open_batch(path) else [inputs[i:i + 1] for i in range(len(inputs))]
    results = [next(iter(tinyc.run(path, {name: part}, "--engine", "integer").values())) for part in parts]
    return np.concatenate(results).reshape(len(inputs), -1).astype(np.float64)


def compare(verdict, tinyc, model, folder):
    path = Path(folder, f"{model.name}.onnx")
    tinyc.compress(model, path)
    inputs, _ = model.samples(model.test, None if common.open_batch(path) else MOST_SINGLE_SAMPLES)
    name = common.session(path).get_inputs()[0].name
    feeds = {name: inputs}
    theirs = next(iter(common.run_onnxruntime(path, feeds).values())).reshape(len(inputs), -1).astype(np.float64)
    ours = run_integer(tinyc, path, name, inputs)
    steps = np.abs(np.rint((ours - theirs) / output_scale(path))).astype(int)
    counts = np.bincount(steps.reshape(-1))
    histogram = " ".join(f"{n}:{100 * count / steps.size:.2f}%" for n, count in enumerate(counts) if count)
    if theirs.shape[1] > 64:
        sqnr = 10 * np.log10((theirs**2).sum() / max(((ours - theirs) ** 2).sum(), 1e-30))
        verdict.check(sqnr >= LEAST_SQNR_DB, f"{model.name}: {sqnr:.1f} dB apart; steps apart {histogram}")
    else:
        same = float((ours.argmax(1) == theirs.argmax(1)).mean())
        verdict.check(same >= LEAST_AGREEMENT, f"{model.name}: top-1 equal on {100 * same:.2f} %; steps apart {histogram}")


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.named(*MODELS):
            verdict.attempt(model.name, lambda: compare(verdict, tinyc, model, folder))
    verdict.finish()


main()
