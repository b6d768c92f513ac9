"""clang-tidy has nothing to say about the program's sources. Checks come and go with releases, so only the project's own
one judges: with another, or none, the check is skipped.

usage: check_tidy.py BUILD_FOLDER      the folder that holds compile_commands.json
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

import tree

RELEASE = "14"


def findings_of(tool, folder, path):
    # The compile commands are those of another compiler: its warning flags mean nothing here.
    done = subprocess.run([tool, "-p", folder, "--quiet", "--extra-arg=-Wno-unknown-warning-option", tree.ROOT / path],
                          capture_output=True, text=True)
    found = re.findall(r"^\S+:\d+:\d+: (?:error|warning): .*$", done.stdout, re.M)
    return found or ([f"{path}: {done.stderr.strip()}"] if done.returncode != 0 else [])


def main():
    tool = shutil.which(f"clang-tidy-{RELEASE}") or shutil.which("clang-tidy")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
    if not re.search(rf"version {RELEASE}\.", version):
        print(f"skipped: clang-tidy {RELEASE} is not installed")
        sys.exit(77)
    paths = tree.files("src", "tools", suffixes={".cpp"})
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(lambda path: findings_of(tool, sys.argv[1], path), paths)
        tree.report(sorted({finding for found in results for finding in found}))


main()
