"""Runs the exported conformance models in onnxruntime and compares with the outputs that the tests expect.

usage: roundtrip_onnxruntime.py EXPORTED_FOLDER NODE_FOLDER AT_LEAST

EXPORTED_FOLDER holds NAME.onnx for each test that tinyc passes (tinyc_conformance --export). A model with which
onnxruntime fails in the original too is counted apart.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

RELATIVE, ABSOLUTE = 1e-3, 1e-5


def load(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


def load_set(folder, prefix):
    count = len(list(folder.glob(prefix + "*.pb")))
    return [load(folder / f"{prefix}{i}.pb") for i in range(count)]


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(model, folder):
    """None when the outputs are the expected ones, else what differs."""
    current = session(model)
    for data in sorted(folder.glob("test_data_set_*")):
        feeds = dict(zip([i.name for i in current.get_inputs()], load_set(data, "input_")))
        found = current.run(None, feeds)
        for i, (value, expected) in enumerate(zip(found, load_set(data, "output_"), strict=True)):
            if value.dtype != expected.dtype or value.shape != expected.shape:
                return f"output {i} is {value.dtype}{list(value.shape)}, expected {expected.dtype}{list(expected.shape)}"
            if value.dtype.kind == "f":
                same = np.allclose(value, expected, RELATIVE, ABSOLUTE, equal_nan=True)
            else:
                same = np.array_equal(value, expected)
            if not same:
                return f"output {i} differs"
    return None


def attempt(model, folder):
    try:
        return run(model, folder)
    except Exception as error:  # onnxruntime has a type of its own for each failure
        return str(error).split("\n")[0][:200]


def main():
    exported, nodes, at_least = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    passed, unsupported, failed = 0, 0, []
    for path in sorted(exported.glob("*.onnx")):
        folder = nodes / path.stem
        problem = attempt(path.read_bytes(), folder)
        if problem is None:
            passed += 1
        elif attempt((folder / "model.onnx").read_bytes(), folder) is not None:
            unsupported += 1
        else:
            failed.append(f"{path.stem}: {problem}")
    print("\n".join(failed))
    print(f"{passed} agree, {unsupported} that onnxruntime fails on in the original too, {len(failed)} differ")
    return 1 if failed or passed < at_least else 0


if __name__ == "__main__":
    sys.exit(main())
