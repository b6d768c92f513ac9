"""The float evaluator agrees with onnxruntime on every model: largest error at most 1e-4 of the output's largest
magnitude, batch 1 and, where the batch is open, 8.

usage: float_outputs.py TINYC
"""
import sys

import numpy as np

import common

TOLERANCE = 1e-4


def compare(verdict, tinyc, model, batch):
    feeds = common.generated_inputs(model, batch, seed=batch)
    wanted = common.session(model.path)
    wanted = dict(zip([o.name for o in wanted.get_outputs()], wanted.run(None, feeds)))
    found = tinyc.run(model.path, feeds)
    for name, reference in wanted.items():
        ours = found[common.file_name(name)]
        where = f"{model.name} batch {batch} {name}"
        if ours.shape != reference.shape:
            verdict.check(False, f"{where}: shape {ours.shape}, onnxruntime {reference.shape}")
            continue
        scale = max(float(np.abs(reference).max()), 1e-30)
        error = float(np.abs(ours.astype(np.float64) - reference).max()) / scale
        verdict.check(error <= TOLERANCE, f"{where}: error {error:.1e} of {scale:.3g}")


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    for model in common.models():
        for batch in (1, 8) if common.open_batch(model.path) else (1,):
            verdict.attempt(f"{model.name} batch {batch}", lambda: compare(verdict, tinyc, model, batch))
    verdict.finish()


main()
