"""Writes the inputs that the fuzzers start from: OUT/import, OUT/run, OUT/recipe, OUT/npz, OUT/coding.

usage: make_seeds.py OUT [FOLDER ...]     model.onnx files below the folders are seeds of the first two, smallest first
"""
import io
import struct
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_MODELS, LARGEST_MODEL = 300, 4096

RECIPES = [
    'emit = "onnx"\nseed = 3\n[quantization]\nweight_bits = 8\nactivations = "uint8"\nper_channel = false\n',
    '[quantization]\nobserver = "percentile:99.99"\nskip = ["conv1", "conv2"]\n[gates]\nmax_drop = 0.5\nmax_bytes = 30000\n',
    '[model]\ndims = { batch = 1, "x:0" = 4 }\nfix = { sr = "16000" }\n[passes]\nrewrite = ["fold-batchnorm", "fold-pad"]\n',
]


def npy(descr, shape, payload, version=1):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    prefix = 10 if version == 1 else 12
    header = header.ljust(-(-(prefix + len(header) + 1) // 64) * 64 - prefix - 1) + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode("latin1") + payload


def npz(arrays, method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in arrays.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy"), content, method)
    return out.getvalue()


def arrays():
    floats = npy("<f4", "(2, 3)", struct.pack("<6f", *range(6)))
    labels = npy("<i8", "(2,)", struct.pack("<2q", 0, 1))
    yield {"input": floats, "labels": labels}
    yield {"input": npy("|u1", "(2, 3)", bytes(range(6)), version=2)}
    yield {"a": npy("<f8", "(1, 1)", struct.pack("<d", 0.5)), "b": npy("<f2", "(1, 2)", bytes(4))}


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def main():
    out = Path(sys.argv[1])
    found = [p for folder in sys.argv[2:] for p in Path(folder).rglob("model.onnx") if p.stat().st_size <= LARGEST_MODEL]
    models = sorted(found, key=lambda p: (p.stat().st_size, p))[:MOST_MODELS] + [ROOT / "models/gestures.onnx"]
    for number, path in enumerate(models):
        for kind in ("import", "run"):
            write(out / kind, f"{number:03}.onnx", path.read_bytes())
    for number, recipe in enumerate(RECIPES):
        write(out / "recipe", f"{number}.toml", recipe.encode())
    for number, contents in enumerate(arrays()):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            write(out / "npz", f"{number}_{method}.npz", npz(contents, method))
    for around in range(3):  # rows, columns, the header of an arithmetic stream, a code
        write(out / "coding", f"{around}.bin", bytes([4, 12, around, 3, 0]) + bytes(range(7, 250, 9)))
    for folder in [path for path in out.iterdir() if path.is_dir()]:
        folder.with_suffix(".list").write_text(",".join(str(seed) for seed in sorted(folder.iterdir())))


main()
