"""What the comparisons with onnxruntime share: the models with inputs that suit them, running both programs, telling
what differs."""
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "models"
SHARED = ROOT.parent / "shared"


@dataclass
class Model:
    """A model and what it eats. `low` and `high` bound generated inputs; `sizes` gives open dimensions but the batch a
    size; `scale` and `layout` say how raw data become inputs."""
    path: Path
    low: float = -1.0
    high: float = 1.0
    sizes: dict = field(default_factory=dict)
    calib: Path = None
    test: Path = None
    scale: float = 1.0
    layout: str = "nchw"

    @property
    def name(self):
        return self.path.stem

    def data_flags(self):
        """The flags that tell tinyc how raw data become inputs."""
        flags = [] if self.scale == 1.0 else ["--scale", f"1/{round(1 / self.scale)}"]
        return flags + (["--layout", "nhwc"] if self.layout == "nhwc" else [])

    def samples(self, path, count=None):
        """Inputs as the model takes them, and labels (None where there are none)."""
        with np.load(path) as data:
            inputs, labels = data["input"][:count], data["labels"][:count] if "labels" in data else None
        inputs = inputs.astype(np.float32) * np.float32(self.scale)
        return (np.ascontiguousarray(inputs.transpose(0, 3, 1, 2)) if self.layout == "nhwc" else inputs), labels


def _own():
    shapes = dict(low=0, high=1, calib=OWN / "shapes_calib.npz", test=OWN / "shapes_test.npz", scale=1 / 255)
    yield Model(OWN / "shapes.onnx", **shapes)
    yield Model(OWN / "shapes_vit.onnx", **shapes)
    for name in ("gestures", "vibration"):
        yield Model(OWN / f"{name}.onnx", calib=OWN / f"{name}_calib.npz", test=OWN / f"{name}_test.npz")


def _shared():
    def data(name, **more):
        return dict(calib=SHARED / f"data/{name}_calib.npz", test=SHARED / f"data/{name}_test.npz", **more)

    models = {
        "mlperf_kws_dscnn_h5": dict(low=-60, high=40, **data("kws")),
        "mlperf_ic_resnet8_h5": dict(low=0, high=255, **data("cifar10", layout="nhwc")),
        "mlperf_ic_pretrainedResnet": dict(low=0, high=255, **data("cifar10", layout="nhwc")),
        "mlperf_vww_96_float": dict(low=0, high=1, **data("vww", layout="nhwc", scale=1 / 255)),
        "mlperf_ad01_fp32": dict(low=-41, high=-9),
        "mnist8_cntk": dict(low=0, high=255, **data("mnist")),
        "tinymaix_mnist_resnet": dict(low=0, high=1, **data("mnist", scale=1 / 255)),
        "lenet_300_100": dict(low=0, high=1, **data("mnist", scale=1 / 255)),
        "lenet5": dict(low=0, high=1, **data("mnist", scale=1 / 255)),
        "mobilenet_v2_deq_from_int8": dict(low=-2, high=2),
        "squeezenet_fp32": dict(low=-120, high=130),
        "super_resolution_10": dict(low=0, high=1),
        "ultraface_RFB_320": {},
        "mlkws_gru_s": dict(low=-40, high=40),
        "mlkws_basic_lstm_s": dict(low=-40, high=40),
        "silero_vad_16k_op15": dict(sizes={"sequence": 576}),
        "silero_vad_v2_micro": dict(sizes={"samples": 1536}),
        "tract_byte_sb_bidi_lstm": dict(low=97, high=122, sizes={"length": 24}),
        "winml_iris_mlp": dict(low=0, high=7),
    }
    for name, more in models.items():
        yield Model(SHARED / f"models/{name}.onnx", **more)


def models():
    """All models that are here; says which are not."""
    found = list(_own())
    for model in _shared():
        if model.path.exists():
            found.append(model)
        else:
            print(f"skip {model.name}: {model.path} is not here")
    return found


def named(*names):
    return [model for model in models() if model.name in names]


def session(path, **options):
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    for key, value in options.items():
        setattr(settings, key, value)
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])


def open_batch(path):
    """Whether the first input's first dimension is open."""
    first = session(path).get_inputs()[0].shape
    return bool(first) and not isinstance(first[0], int)


def generated_inputs(model, batch, seed=0):
    rng = np.random.default_rng(seed)
    feeds = {}
    for item in session(model.path).get_inputs():
        shape = [d if isinstance(d, int) else model.sizes.get(d, batch) for d in item.shape]
        if item.type == "tensor(int64)":
            feeds[item.name] = np.full(shape, 16000, np.int64)
        elif item.type == "tensor(uint8)":
            feeds[item.name] = rng.integers(model.low, model.high + 1, shape).astype(np.uint8)
        else:
            feeds[item.name] = rng.uniform(model.low, model.high, shape).astype(np.float32)
    return feeds


def run_onnxruntime(path, feeds, **options):
    """Outputs by name. A model of fixed batch is run sample by sample."""
    runner = session(path, **options)
    names = [item.name for item in runner.get_outputs()]
    first = runner.get_inputs()[0]
    count = len(feeds[first.name])
    step = first.shape[0] if isinstance(first.shape[0], int) else 100
    if count <= step:
        return dict(zip(names, runner.run(None, feeds)))
    parts = [runner.run(None, {first.name: feeds[first.name][i:i + step]}) for i in range(0, count, step)]
    return {name: np.concatenate(column) for name, column in zip(names, zip(*parts))}


class Tinyc:
    """The program under test. Calls fail loudly unless `check` is off."""

    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments, check=True):
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"tinyc {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
        return done

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json").stdout)

    def run(self, path, feeds, *flags):
        """Outputs by name; '/' and other signs that file names avoid may be replaced in them."""
        with tempfile.TemporaryDirectory() as folder:
            inputs = []
            for number, (name, value) in enumerate(feeds.items()):
                np.save(f"{folder}/{number}.npy", value)
                inputs += ["--input", f"{name}={folder}/{number}.npy"]
            self("run", path, *inputs, "-o", f"{folder}/out", *flags)
            return {p.stem: np.load(p) for p in Path(folder, "out").glob("*.npy")}

    def compress(self, model, out, *flags):
        data = ["--calib", model.calib, *model.data_flags()] if model.calib else []
        sizes = [flag for name, size in model.sizes.items() for flag in ("--dim", f"{name}={size}")]
        return self("compress", model.path, "--int8", *data, *sizes, "-o", out, *flags)


def file_name(output):
    return re.sub(r"[/\\:\x00-\x1f]", "_", output)


class Verdict:
    """Counts what passed and failed, a line each; finish() ends the process."""

    def __init__(self):
        self.failed = self.passed = 0

    def check(self, good, text):
        print(("ok    " if good else "FAIL  ") + text, flush=True)
        self.passed += bool(good)
        self.failed += not good

    def attempt(self, text, body):
        """Runs body(); an exception is a failure that is told, not the end."""
        try:
            body()
        except Exception as error:  # whatever a runtime throws is the finding
            self.check(False, f"{text}: {type(error).__name__}: {error}")

    def finish(self):
        print(f"{self.passed} good, {self.failed} bad")
        sys.exit(1 if self.failed or not self.passed else 0)
