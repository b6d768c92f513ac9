"""What the checks of this folder share: the project's files, and how findings are told."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = {".c", ".cc", ".cpp", ".h", ".inc"}


def files(*folders, suffixes=CODE):
    """The project's own files below `folders` (the root when none is given), as paths relative to the root."""
    command = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
        paths = [Path(name) for name in listed if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):  # unpacked from an archive
        paths = [p.relative_to(ROOT) for p in ROOT.rglob("*")
                 if p.is_file() and not re.match(r"(build|\.)", p.relative_to(ROOT).parts[0])]
    return sorted(p for p in paths if (suffixes is None or p.suffix in suffixes)
                  and (not folders or any(p.is_relative_to(f) for f in folders)))


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def includes(path):
    """(line number, opening character, name) of each #include."""
    for number, line in enumerate(text(path).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if found:
            yield number, found[1], found[2]


def report(findings):
    """Prints each finding on a line and ends the process."""
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings" if findings else "clean")
    sys.exit(1 if findings else 0)
