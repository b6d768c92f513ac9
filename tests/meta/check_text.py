"""Files stay short, and hold no leftovers: unfinished marks, silenced warnings without a reason, absolute paths."""
import re

import tree

MOST_LINES, MANY_LINES = 500, 400
MARKS = re.compile(r"\b(%s)\b" % "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]))
SILENCED = re.compile(r"NO" + r"LINT(?!.*: \w)|TEST\w*\([^)]*DISABLED" + r"_|GTEST" + r"_SKIP\(\)\s*;")
MACHINE = re.compile(r"(?<![\w.])/(home|root|work|tmp/wt)/")
ELSEWHERE = re.compile(r"\bissue #?\d+|\bsection \d+ of (the )?issue")


def check_length(path, lines):
    if len(lines) > MOST_LINES:
        return [f"{path}: {len(lines)} lines, more than {MOST_LINES}"]
    if len(lines) > MANY_LINES:
        print(f"note: {path} has {len(lines)} lines; is it one thing?")
    return []


def main():
    findings = []
    for path in tree.files("src", "include", "tools"):
        findings += check_length(path, tree.text(path).splitlines())
    written = tree.CODE | {".py", ".md", ".sh", ".txt", ".cmake", ".json", ".toml"}
    for path in tree.files(suffixes=written):
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            for pattern in (MARKS, SILENCED, MACHINE, ELSEWHERE):
                found = pattern.search(line)
                if found:
                    findings.append(f"{path}:{number}: '{found[0]}'")
            if line != line.rstrip():
                findings.append(f"{path}:{number}: blanks at the end")
    tree.report(findings)


main()
