"""Runs a script with the Python of a virtual environment: in_venv.py FOLDER SCRIPT ARGUMENTS...

exit code 77, with the reason, where the environment has no onnxruntime
"""
import os
import subprocess
import sys
from pathlib import Path

python = Path(sys.argv[1]) / "bin/python"
if not python.exists() or subprocess.run([python, "-c", "import numpy, onnx, onnxruntime"]).returncode != 0:
    print(f"skipped: {sys.argv[1]} has no onnxruntime")
    sys.exit(77)
os.execv(python, [str(python), *sys.argv[2:]])
