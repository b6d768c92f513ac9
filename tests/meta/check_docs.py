"""What the docs print of the program is what the program prints, and what they link to exists.

    <!-- generated: tinyc list ops --markdown -->
    ...
    <!-- end -->

stands for the output of that command (in a code block where the docs put it in one).
usage: check_docs.py TINYC [--fix]      --fix writes the present output in place
"""
import re
import shlex
import subprocess
import sys
from pathlib import Path

import tree

BLOCK = re.compile(r"(<!-- generated: tinyc (.*?) -->\n)(```\w*\n)?(.*?)((?:```\n)?<!-- end -->)", re.S)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def expected(tinyc, command):
    done = subprocess.run([tinyc, *shlex.split(command)], capture_output=True, text=True, cwd=tree.ROOT)
    if done.returncode != 0:
        sys.exit(f"tinyc {command}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def main():
    tinyc, fix = str(Path(sys.argv[1]).resolve()), "--fix" in sys.argv[2:]
    findings = []
    for path in tree.files(suffixes={".md"}):
        content = tree.text(path)

        def replaced(block):
            return block[1] + (block[3] or "") + expected(tinyc, block[2]) + block[5]

        fresh = BLOCK.sub(replaced, content)
        if fresh != content and fix:
            (tree.ROOT / path).write_text(fresh, encoding="utf-8")
        elif fresh != content:
            stale = [b[2] for b in BLOCK.finditer(content) if replaced(b) != b[0]]
            findings += [f"{path}: stale output of 'tinyc {command}': run check_docs.py TINYC --fix" for command in stale]
        for link in LINK.findall(content):
            if not (tree.ROOT / path.parent / link).exists():
                findings.append(f"{path}: link to {link}, which is not there")
    tree.report(findings)


main()
