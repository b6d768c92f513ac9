"""Every model in QOperator form loads and runs in onnxruntime, and gives what its QDQ form gives there; read and written
again, it is the same bytes.

usage: qoperator_outputs.py TINYC
"""
import sys
import tempfile
from pathlib import Path

import numpy as np

import common

MOST_SAMPLES = 200
LEAST_AGREEMENT = 0.995  # top-1, where there are test data
LEAST_SQNR_DB = 20  # on generated inputs, which drive every layer into rounding ties


def first_output(path, feeds):
    return next(iter(common.run_onnxruntime(path, feeds).values())).astype(np.float64)


def sqnr_db(reference, found):
    noise = float(((reference - found) ** 2).sum())
    return 10 * np.log10(max(float((reference**2).sum()), 1e-30) / max(noise, 1e-30))


def compare(verdict, tinyc, model, flags, folder):
    qdq, qoperator, again = (Path(folder, f"{model.name}.{form}.onnx") for form in ("qdq", "qoperator", "again"))
    tinyc.compress(model, qdq, "-O1", *flags)
    tinyc.compress(model, qoperator, "-O1", "--emit", "onnx-qoperator", *flags)
    label = " ".join([model.name, *flags])
    if model.test is None:
        feeds = common.generated_inputs(model, 1)
        distance = sqnr_db(first_output(qdq, feeds), first_output(qoperator, feeds))
        verdict.check(distance >= LEAST_SQNR_DB, f"{label}: {distance:.0f} dB apart on generated inputs")
    else:
        inputs, _ = model.samples(model.test, MOST_SAMPLES)
        feeds = {common.session(qdq).get_inputs()[0].name: inputs}
        reference, found = first_output(qdq, feeds), first_output(qoperator, feeds)
        same = float((reference.reshape(len(inputs), -1).argmax(1) == found.reshape(len(inputs), -1).argmax(1)).mean())
        distance = sqnr_db(reference, found)
        verdict.check(same >= LEAST_AGREEMENT, f"{label}: top-1 equal on {100 * same:.2f} %, {distance:.0f} dB apart")
    tinyc("emit", qoperator, "--as", "onnx-qoperator", "-o", again)
    verdict.check(qoperator.read_bytes() == again.read_bytes(), f"{label}: read and written again, the same bytes")


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.models():
            for flags in ((), ("--int8-signed",)):
                verdict.attempt(model.name, lambda: compare(verdict, tinyc, model, flags, folder))
    verdict.finish()


main()
