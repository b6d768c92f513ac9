"""Layer by layer, fed the same integers, tinyc and onnxruntime's integer kernels differ by at most one step, in under 0.5 %
of a layer's elements. Prints the histogram of differences of every layer that differs at all.

usage: layer_steps.py TINYC
"""
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx.utils

import common

MODELS = ("shapes", "vibration", "mlperf_kws_dscnn_h5", "mlperf_ic_resnet8_h5")
SAMPLES = 16
MOST_OFF_BY_ONE = 0.005


def grids(model):
    """Names of the integers of each activation, by the name that its readers see."""
    makers = {node.output[0]: node for node in model.graph.node}
    return {node.output[0]: node.input[0] for node in model.graph.node
            if node.op_type == "DequantizeLinear" and makers.get(node.input[0]) is not None
            and makers[node.input[0]].op_type == "QuantizeLinear"}


def layers(model):
    """(integers that go in, integers that come out) of each node between grids, through clamps that have none."""
    stored = grids(model)
    readers = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for node in model.graph.node:
        inputs = [stored[name] for name in node.input if name in stored]
        if not inputs or node.op_type == "QuantizeLinear":
            continue
        while readers.get(node.output[0]) and readers[node.output[0]][0].op_type != "QuantizeLinear":
            node = readers[node.output[0]][0]
        last = readers.get(node.output[0], [None])[0]
        if last is not None:
            yield inputs, last.output[0]


def integers_of(path, names, feeds, folder):
    """What every grid holds when the model runs as it is written."""
    model = onnx.load(path)
    for name in names:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    everything = Path(folder, "everything.onnx")
    onnx.save(model, everything)
    runner = common.session(everything, graph_optimization_level=common.onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    return dict(zip(names, runner.run(names, feeds)))


def compare_layer(verdict, tinyc, extractor, name, inputs, output, held, folder):
    part = Path(folder, "layer.onnx")
    onnx.save(extractor.extract_model(inputs, [output]), part)
    feeds = {name: held[name] for name in inputs}
    theirs = common.session(part).run(None, feeds)[0].astype(int)
    ours = tinyc.run(part, feeds)[common.file_name(output)].astype(int)
    apart = np.abs(ours - theirs)
    share = float((apart > 0).mean())
    if share > 0:
        steps = " ".join(f"{n}:{100 * c / apart.size:.4f}%" for n, c in enumerate(np.bincount(apart.reshape(-1))))
        verdict.check(apart.max() <= 1 and share <= MOST_OFF_BY_ONE, f"{name} {output}: steps apart {steps}")
    return share


def compare(verdict, tinyc, model, folder):
    path = Path(folder, f"{model.name}.onnx")
    tinyc.compress(model, path, "-O1")
    inputs, _ = model.samples(model.test, SAMPLES)
    quantized = onnx.shape_inference.infer_shapes(onnx.load(path))
    found = list(layers(quantized))
    names = sorted({name for ins, out in found for name in [*ins, out]})
    held = integers_of(path, names, {common.session(path).get_inputs()[0].name: inputs}, folder)
    extractor = onnx.utils.Extractor(quantized)
    shares = [compare_layer(verdict, tinyc, extractor, model.name, ins, out, held, folder) for ins, out in found]
    same = sum(share == 0 for share in shares)
    verdict.check(len(shares) > 0, f"{model.name}: {len(shares)} layers, {same} of them equal in every element")


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.named(*MODELS):
            verdict.attempt(model.name, lambda: compare(verdict, tinyc, model, folder))
    verdict.finish()


main()
