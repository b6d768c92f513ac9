"""Models that onnxruntime quantized (QDQ and QOperator, per channel and per tensor) evaluate here as they do there; what
tinyc wrote, read and written again, is the same bytes.

usage: foreign_quantized.py TINYC
"""
import itertools
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import common

MODELS = ("shapes", "vibration", "mlperf_kws_dscnn_h5", "mlperf_ic_resnet8_h5")
LEAST_AGREEMENT = 0.995
MOST_SAMPLES = 400


class Samples(CalibrationDataReader):
    def __init__(self, name, inputs):
        self.feeds = iter([{name: sample[None]} for sample in inputs])

    def get_next(self):
        return next(self.feeds, None)


def quantize(model, out, form, per_channel):
    prepared = out.with_suffix(".prepared.onnx")
    quant_pre_process(str(model.path), str(prepared))
    inputs, _ = model.samples(model.calib, 50)
    name = common.session(model.path).get_inputs()[0].name
    quantize_static(str(prepared), str(out), Samples(name, inputs), quant_format=form, per_channel=per_channel,
                    activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)


def compare(verdict, tinyc, model, form, per_channel, folder):
    out = Path(folder, f"{model.name}.{form.name}.{per_channel}.onnx")
    quantize(model, out, form, per_channel)
    inputs, _ = model.samples(model.test, MOST_SAMPLES)
    name = common.session(out).get_inputs()[0].name
    theirs = next(iter(common.run_onnxruntime(out, {name: inputs}).values())).reshape(len(inputs), -1)
    ours = next(iter(tinyc.run(out, {name: inputs}, "--engine", "simulated").values())).reshape(len(inputs), -1)
    noise = float(((ours.astype(np.float64) - theirs) ** 2).sum())
    sqnr = 10 * np.log10(float((theirs.astype(np.float64) ** 2).sum()) / max(noise, 1e-30))
    label = f"{model.name} {form.name} per {'channel' if per_channel else 'tensor'}"
    if theirs.shape[1] <= 64:
        same = float((ours.argmax(1) == theirs.argmax(1)).mean())
        verdict.check(same >= LEAST_AGREEMENT, f"{label}: top-1 equal on {100 * same:.2f} %, {sqnr:.1f} dB apart")
    else:
        verdict.check(sqnr >= 40, f"{label}: {sqnr:.1f} dB apart")


def rewrite(verdict, tinyc, model, folder):
    first, again = Path(folder, f"{model.name}.onnx"), Path(folder, f"{model.name}.again.onnx")
    tinyc.compress(model, first, "-O1")
    tinyc("emit", first, "--as", "onnx", "-o", again)
    verdict.check(first.read_bytes() == again.read_bytes(), f"{model.name}: read and written again, the same bytes")


def main():
    logging.disable(logging.WARNING)
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.named(*MODELS):
            for form, per_channel in itertools.product((QuantFormat.QDQ, QuantFormat.QOperator), (True, False)):
                verdict.attempt(f"{model.name} {form.name} {per_channel}",
                                lambda: compare(verdict, tinyc, model, form, per_channel, folder))
            verdict.attempt(model.name, lambda: rewrite(verdict, tinyc, model, folder))
    verdict.finish()


main()
