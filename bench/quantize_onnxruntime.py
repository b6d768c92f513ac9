"""Quantizes a model with onnxruntime's own static quantizer: int8 weights and activations, QDQ, one sample a run.

usage: quantize_onnxruntime.py MODEL DATA.npz OUT [--method minmax|percentile|entropy] [--per-tensor]
                               [--scale S] [--layout nchw|nhwc]
"""
import argparse
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

METHODS = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile,
           "entropy": CalibrationMethod.Entropy}


class Samples(CalibrationDataReader):
    def __init__(self, name, inputs):
        self.feeds = iter([{name: sample[None]} for sample in inputs])

    def get_next(self):
        return next(self.feeds, None)


def prepare(source, target):
    """The form that its quantizer wants: opset 13, batch 1, no initializers among the inputs."""
    model = onnx.load(source)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for value in [*model.graph.input, *model.graph.output]:
        dims = value.type.tensor_type.shape.dim
        if dims and not dims[0].dim_value:
            dims[0].dim_value = 1
    if next(opset.version for opset in model.opset_import if not opset.domain) < 13:
        model = onnx.version_converter.convert_version(model, 13)
    onnx.save(model, target)
    return inputs[0].name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--method", choices=METHODS, default="minmax")
    parser.add_argument("--per-tensor", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    inputs = np.load(args.data)["input"].astype(np.float32) * np.float32(args.scale)
    if args.layout == "nhwc":
        inputs = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
    with tempfile.TemporaryDirectory() as folder:
        plain, inferred = Path(folder, "plain.onnx"), Path(folder, "inferred.onnx")
        name = prepare(args.model, plain)
        quant_pre_process(str(plain), str(inferred))
        quantize_static(str(inferred), args.out, Samples(name, inputs), quant_format=QuantFormat.QDQ,
                        per_channel=not args.per_tensor, calibrate_method=METHODS[args.method],
                        activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)


main()
