"""onnxruntime turns our graphs into integer kernels: its optimized graph has no Conv, Gemm or MatMul left in float.

usage: integer_kernels.py TINYC
"""
import collections
import sys
import tempfile
from pathlib import Path

import onnx

import common

MODELS = ("shapes", "vibration", "mlperf_kws_dscnn_h5", "mlperf_ic_resnet8_h5", "mlperf_vww_96_float",
          "mobilenet_v2_deq_from_int8")
FLOAT_OPS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"}


def compare(verdict, tinyc, model, folder):
    out, optimized = Path(folder, f"{model.name}.onnx"), Path(folder, f"{model.name}.optimized.onnx")
    tinyc.compress(model, out, "-O1")
    common.session(out, optimized_model_filepath=str(optimized))
    ops = collections.Counter(node.op_type for node in onnx.load(str(optimized)).graph.node)
    left = {op: count for op, count in ops.items() if op in FLOAT_OPS}
    verdict.check(not left, f"{model.name}: left in float {left or 'nothing'}; {dict(sorted(ops.items()))}")


def main():
    tinyc, verdict = common.Tinyc(sys.argv[1]), common.Verdict()
    with tempfile.TemporaryDirectory() as folder:
        for model in common.named(*MODELS):
            verdict.attempt(model.name, lambda: compare(verdict, tinyc, model, folder))
    verdict.finish()


main()
