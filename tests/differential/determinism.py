"""Same input, recipe and version give the same bytes: for 1, 2 and 7 threads and twice in a row, on every shipped model.

usage: determinism.py TINYC
"""
import sys
import tempfile
from pathlib import Path

import common


def compare(verdict, tinyc, model, folder):
    results = {}
    for label, threads in (("1 thread", 1), ("2 threads", 2), ("7 threads", 7), ("1 thread again", 1)):
        out = Path(folder, f"{model.name}_{len(results)}.onnx")
        tinyc.compress(model, out, "--threads", threads)
        results[label] = out.read_bytes()
    first = results["1 thread"]
    for label, content in results.items():
        if label != "1 thread":
            verdict.check(content == first, f"{model.name}: {label} and 1 thread write the same {len(first)} bytes")


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.models():
            if model.path.is_relative_to(common.OWN):
                verdict.attempt(model.name, lambda: compare(verdict, tinyc, model, folder))
    verdict.finish()


main()
