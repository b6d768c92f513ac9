"""The models that are emitted as C for tests and benchmarks, their data, and the command that emits them."""
import math
import random
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import rig

BLOCKS = Path(__file__).resolve().parent / "blocks.toml"
SHARED = rig.ROOT.parent / "shared"


@dataclass
class Model:
    name: str  # of the C files
    path: Path
    calib: Path | None  # None: numbers drawn around `mean`
    flags: tuple = ()
    mean: float = 0
    deviation: float = 1
    dims: tuple = ()  # of one drawn sample

    def absent(self):
        """The file that is not there, if any."""
        return next((path for path in (self.path, self.calib) if path is not None and not path.exists()), None)


def models():
    own, shared, data = rig.ROOT / "models", SHARED / "models", SHARED / "data"
    bytes_to_unit, mnist = ("--scale", "1/255"), data / "mnist_calib.npz"
    listed = [
        Model("kws", shared / "mlperf_kws_dscnn_h5.onnx", data / "kws_calib.npz"),
        Model("resnet8", shared / "mlperf_ic_resnet8_h5.onnx", data / "cifar10_calib.npz", ("--layout", "nhwc")),
        Model("resnet8_2", shared / "mlperf_ic_resnet8_h5.onnx", data / "cifar10_calib.npz",
              ("--layout", "nhwc", "--weight-bits", "2")),
        Model("vww", shared / "mlperf_vww_96_float.onnx", data / "vww_calib.npz", (*bytes_to_unit, "--layout", "nhwc")),
        Model("ad", shared / "mlperf_ad01_fp32.onnx", None, mean=-25, deviation=8, dims=(640,)),
        Model("ad4", shared / "mlperf_ad01_fp32.onnx", None, ("--recipe", BLOCKS, "--weight-bits", "4"), mean=-25,
              deviation=8, dims=(640,)),
        Model("mnist8", shared / "mnist8_cntk.onnx", mnist),
        Model("tinymaix", shared / "tinymaix_mnist_resnet.onnx", mnist, bytes_to_unit),
        Model("iris", shared / "winml_iris_mlp.onnx", None, mean=3.5, deviation=2, dims=(4,)),
        Model("shapes", own / "shapes.onnx", own / "shapes_calib.npz", bytes_to_unit),
        Model("shapes4", own / "shapes.onnx", own / "shapes_calib.npz", (*bytes_to_unit, "--weight-bits", "4")),
        Model("shapes_coded", own / "shapes.onnx", own / "shapes_calib.npz",
              (*bytes_to_unit, "--weight-bits", "3", "--weight-coder", "arithmetic")),
        Model("shapes_sparse", own / "shapes.onnx", own / "shapes_calib.npz",
              (*bytes_to_unit, "--prune", "0.9", "--weight-coder", "relative")),
        Model("shapes_vit", own / "shapes_vit.onnx", own / "shapes_calib.npz", bytes_to_unit),
        Model("vibration", own / "vibration.onnx", own / "vibration_calib.npz"),
        Model("gestures", own / "gestures.onnx", own / "gestures_calib.npz"),
        Model("gestures_sparse", own / "gestures.onnx", own / "gestures_calib.npz",
              ("--prune", "0.8", "--weight-coder", "relative")),
        Model("kws_lstm", shared / "mlkws_basic_lstm_s.onnx", None, deviation=15, dims=(49, 10)),
        Model("kws_lstm_sparse", shared / "mlkws_basic_lstm_s.onnx", None, ("--prune", "0.9", "--weight-coder", "relative"),
              deviation=15, dims=(49, 10)),
    ]
    return {model.name: model for model in listed}


def emit(tinyc, model, folder, vectors):
    """Writes NAME.c, NAME.h and NAME_test.c, whose NAME_test() gives the number of wrong output bytes."""
    calib = model.calib or drawn_data(model, folder)
    rig.checked([tinyc, "compress", model.path, "--int8", "--calib", calib, *model.flags, "--emit", "c",
                 "--name", model.name, "--test-vectors", vectors, "-o", folder])


def can_emit(tinyc):
    listed = rig.command([tinyc, "list", "emitters"]).stdout
    return re.search(r"^\s*`?c`?\s", listed, re.M) is not None


def drawn_data(model, folder, samples=200):
    """A .npz of normally distributed numbers, the same in every run."""
    rng = random.Random(0)
    shape = (samples, *model.dims)
    count = math.prod(shape)
    numbers = struct.pack(f"<{count}f", *(rng.gauss(model.mean, model.deviation) for _ in range(count)))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path = Path(folder, f"{model.name}_calib.npz")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("input.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + numbers)
    return path
