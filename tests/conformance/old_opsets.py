"""Operators in the forms of old opsets: what onnxruntime computes is what tinyc computes after bringing them up to date.

usage: old_opsets.py TINYC_CONFORMANCE

Small models of opsets 7 to 18 are written as conformance tests, with onnxruntime's outputs as the expected ones; then
tinyc_conformance imports, runs, exports and runs them again, and onnxruntime runs what was exported.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

onnxruntime.set_default_logger_severity(4)
node = helper.make_node


def floats(*shape, seed=0, scale=1.0):
    return (np.random.RandomState(seed).rand(*shape) * scale).astype(np.float32)


def cases():
    """Yields name, opset, nodes (from x to y0, y1, ...), dims of x (a name is an open dim), constants."""
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        for axis in (0, 1, 2, 3, -1, -2):
            for case, dims in enumerate(([2, 3, 4, 5], ["N", 3, "M", 5], [1, 6, 1, 1])):
                yield f"{op}_{axis}_{case}", 11, [node(op, ["x"], ["y0"], axis=axis)], dims, {}
    for mode in ("nearest", "linear"):
        upsample = [node("Upsample", ["x"], ["y0"], mode=mode, scales=[1.0, 1.0, 2.0, 3.0])]
        yield f"Upsample_7_{mode}", 7, upsample, [1, 2, 3, 4], {}
        for op, opset, scales in (("Upsample", 9, [1, 1, 2.5, 1.5]), ("Resize", 10, [1, 1, 2.5, 1.5]), ("Resize", 10, [1, 1, 0.6, 0.5])):
            constants = {"s": np.array(scales, np.float32)}
            yield f"{op}_{opset}_{mode}_{scales[2]}", opset, [node(op, ["x", "s"], ["y0"], mode=mode)], [1, 2, 7, 9], constants
    for mode in ("constant", "reflect", "edge"):
        yield f"Pad_{mode}", 10, [node("Pad", ["x"], ["y0"], mode=mode, pads=[0, 1, 2, 1, 0, 1], value=3.0)], [3, 4, 5], {}
    for op in ("L1", "L2", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
        for opset in (7, 11) if op == "Sum" else (7, 11, 13, 17):
            axes = [0, 2] if opset < 11 else [0, -1]
            yield f"Reduce{op}_{opset}", opset, [node("Reduce" + op, ["x"], ["y0"], axes=axes, keepdims=0)], [3, 4, 5], {}
            yield f"Reduce{op}_{opset}_all", opset, [node("Reduce" + op, ["x"], ["y0"])], [3, 4, 5], {}
    yield "Slice_axes", 7, [node("Slice", ["x"], ["y0"], starts=[1, -3], ends=[100, -1], axes=[0, 2])], [3, 4, 5], {}
    yield "Slice", 9, [node("Slice", ["x"], ["y0"], starts=[1, 0], ends=[2, 3])], [3, 4, 5], {}
    yield "TopK", 9, [node("TopK", ["x"], ["y0", "y1"], k=2, axis=1)], [3, 4, 5], {}
    yield "Clip", 6 + 1, [node("Clip", ["x"], ["y0"], min=0.1, max=0.6)], [3, 4], {}
    yield "Clip_open", 9, [node("Clip", ["x"], ["y0"])], [3, 4], {}
    yield "Split", 11, [node("Split", ["x"], ["y0", "y1"], axis=-1)], [3, 4], {}
    yield "Split_sizes", 11, [node("Split", ["x"], ["y0", "y1"], axis=0, split=[1, 2])], [3, 4], {}
    squeezes = [node("Unsqueeze", ["x"], ["a"], axes=[0, 3]), node("Squeeze", ["a"], ["b"], axes=[0]), node("Squeeze", ["b"], ["y0"])]
    yield "Squeeze", 11, squeezes, [3, 1, 5], {}
    statistics = {name: floats(3, seed=i) for i, name in enumerate("sbmv")}
    yield "BatchNormalization", 7, [node("BatchNormalization", ["x", *"sbmv"], ["y0"], epsilon=1e-3)], [2, 3, 4, 4], statistics
    yield "Dropout", 7, [node("Dropout", ["x"], ["y0"], ratio=0.3)], [3, 4], {}
    groups = {"s": floats(2, seed=1), "b": floats(2, seed=2)}
    yield "GroupNormalization", 18, [node("GroupNormalization", ["x", "s", "b"], ["y0"], num_groups=2)], [2, 4, 3, 3], groups
    grid = {"g": floats(1, 3, 3, 2, scale=2) - 1}
    yield "GridSample_bilinear", 16, [node("GridSample", ["x", "g"], ["y0"], mode="bilinear")], [1, 2, 4, 4], grid
    cubic = [node("GridSample", ["x", "g"], ["y0"], mode="bicubic", padding_mode="border")]
    yield "GridSample_bicubic", 16, cubic, [1, 2, 4, 4], grid
    boxes = {"r": np.array([[0, 0, 5, 5]], np.float32), "i": np.zeros(1, np.int64)}
    align = [node("RoiAlign", ["x", "r", "i"], ["y0"], output_height=2, output_width=2, sampling_ratio=2)]
    yield "RoiAlign", 10, align, [1, 2, 8, 8], boxes
    yield "DFT", 17, [node("DFT", ["x"], ["y0"])], [1, 5, 4, 1], {}
    yield "DFT_axis", 17, [node("DFT", ["x"], ["y0"], axis=2)], [1, 5, 4, 1], {}
    updates = {"i": np.array([[1], [0], [3]], np.int64), "u": np.ones((3, 1), np.float32)}
    yield "Scatter", 9, [node("Scatter", ["x", "i", "u"], ["y0"], axis=1)], [3, 4], updates


def write_case(folder, opset, nodes, dims, constants):
    graph = helper.make_graph(
        nodes,
        "old",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, dims)],
        [onnx.ValueInfoProto(name=n) for last in nodes for n in last.output if n.startswith("y")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    ir_version = helper.OP_SET_ID_VERSION_MAP[("ai.onnx", max(opset, 9))]
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    value = floats(*[{"N": 2, "M": 4}.get(dim, dim) for dim in dims], seed=7, scale=2) - np.float32(1)
    (data / "input_0.pb").write_bytes(numpy_helper.from_array(value).SerializeToString())
    outputs = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": value})
    for i, output in enumerate(outputs):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(output).SerializeToString())


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        count = 0
        for case, *rest in cases():
            write_case(root / "tests" / case, *rest)
            count += 1
        (root / "manifest").write_text("")
        (root / "exported").mkdir()
        runner = [sys.argv[1], root / "tests", root / "manifest", "--export", root / "exported", "--at-least", str(count)]
        compare = pathlib.Path(__file__).parent / "roundtrip_onnxruntime.py"
        status = subprocess.run(runner).returncode
        status |= subprocess.run([sys.executable, compare, root / "exported", root / "tests", str(count)]).returncode
        return status


if __name__ == "__main__":
    sys.exit(main())
