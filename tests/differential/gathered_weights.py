"""Weights that share values as indices into them: in onnxruntime every model gives what its plain form gives, bit for bit.
Read and written again in the plain form, it is the same bytes as that.

usage: gathered_weights.py TINYC
"""
import sys
import tempfile
from pathlib import Path

import numpy as np

import common

MOST_SAMPLES = 50
MODELS = ("shapes", "mlperf_kws_dscnn_h5", "mlperf_ic_resnet8_h5", "lenet5", "tinymaix_mnist_resnet")
FORMS = (("onnx", "--codebook", "4"), ("onnx", "--codebook", "2"), ("onnx", "--codebook", "1"),
         ("onnx", "--weight-bits", "2"), ("onnx-qoperator", "--codebook", "2"))


def compare(verdict, tinyc, model, form, flags, folder):
    plain, gathered, again = (Path(folder, f"{model.name}.{kind}.onnx") for kind in ("plain", "gathered", "again"))
    tinyc.compress(model, plain, "--emit", form, *flags)
    tinyc("emit", plain, "--as", form, "--onnx-weights", "gather", "-o", gathered)
    label = " ".join([model.name, form, *flags])
    sizes = [path.stat().st_size for path in (plain, gathered)]
    verdict.check(sizes[1] < sizes[0], f"{label}: {sizes[0]} -> {sizes[1]} bytes")
    name = common.session(plain).get_inputs()[0].name
    inputs, _ = model.samples(model.test, MOST_SAMPLES)
    batches = [inputs] if common.open_batch(plain) else [sample[None] for sample in inputs]
    same = all(np.array_equal(expected, found) for batch in batches for expected, found in zip(
        common.run_onnxruntime(plain, {name: batch}).values(), common.run_onnxruntime(gathered, {name: batch}).values()))
    verdict.check(same, f"{label}: the same bits in onnxruntime")
    tinyc("emit", gathered, "--as", form, "-o", again)
    verdict.check(plain.read_bytes() == again.read_bytes(), f"{label}: written again, the plain form's bytes")


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.named(*MODELS):
            for form, *flags in FORMS:
                verdict.attempt(model.name, lambda: compare(verdict, tinyc, model, form, flags, folder))
    verdict.finish()


main()
