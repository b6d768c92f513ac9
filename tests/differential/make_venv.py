"""Makes the virtual environment of the tests that compare with onnxruntime: requirements.txt, from PyPI.

usage: make_venv.py FOLDER      exit code 77, with the reason, where that cannot be done
"""
import re
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PROBE = "import sys; from importlib.metadata import version; sys.exit(any(version(n) != v for n, v in %r))"


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    folder = Path(sys.argv[1])
    python = folder / "bin/python"
    wanted = re.findall(r"^(\S+)==(\S+)$", REQUIREMENTS.read_text(), re.M)
    if python.exists() and run(python, "-c", PROBE % wanted).returncode == 0:
        print(f"{folder} is complete")
        return
    for command in ([sys.executable, "-m", "venv", str(folder)],
                    [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", REQUIREMENTS]):
        done = run(*map(str, command))
        if done.returncode != 0:
            print(f"skipped: {' '.join(map(str, command))}\n{done.stdout}")
            sys.exit(77)
    print(f"made {folder}")


main()
