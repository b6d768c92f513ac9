"""Modules include only what the table of docs/architecture.md allows, and third-party headers stay where they belong."""
import re
from pathlib import Path

import tree


def read_arrows():
    """module: what it may use directly, from the table; whatever these use is allowed too."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", tree.text("docs/architecture.md"), re.M)
    return {module: re.findall(r"`(\w+)`", used) for module, used in rows}


ARROWS = read_arrows()

# The list of passes is read where passes are found by name; it holds names only.
TABLE = {"passes": "pass_list.inc"}

# third-party headers (pattern), where they may be included, as patterns of paths.
THIRD_PARTY = [
    (r"onnx/|google/protobuf/", r"src/onnx/"),
    (r"Eigen/", r"src/(ops|quant|passes)/"),
    (r"CLI/", r"tools/"),
    (r"spdlog/", r"src/base/log\.cpp"),
    (r"toml\+\+/", r"src/driver/"),
    (r"zip\.h", r"src/quant/"),
    (r"stb_", r"src/quant/"),
    (r"xxhash\.h", r"src/base/hash\.cpp"),
    (r"hwy/", r"src/(ops|eval)/"),
]


def reach(module):
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += ARROWS[name]
    return seen


def module_of(path):
    parts = Path(path).parts
    if parts[0] == "tools":
        return "tools"
    return parts[2] if parts[0] == "include" else parts[1]


def target_of(path, name):
    """The module that a quoted include names, None for a neighbour in the same folder."""
    parts = Path(name).parts
    if parts[0] == "tinyc":
        return parts[1]
    return parts[0] if len(parts) > 1 and parts[0] in ARROWS else None


def main():
    findings = []
    for path in tree.files("src", "include", "tools"):
        module = module_of(path)
        if module not in ARROWS:
            findings.append(f"{path}: '{module}' is not a module")
            continue
        for line, opening, name in tree.includes(path):
            if opening == '"':
                target = target_of(path, name)
                if name == f"{target}/{TABLE.get(target)}":
                    continue
                if target is not None and target not in reach(module):
                    findings.append(f"{path}:{line}: {module} may not use {target} ({name})")
                if module == "passes" and target == "passes":
                    findings.append(f"{path}:{line}: passes do not include each other ({name})")
                continue
            for pattern, places in THIRD_PARTY:
                if re.match(pattern, name) and not re.match(places, path.as_posix()):
                    findings.append(f"{path}:{line}: <{name}> belongs to {places}")
    tree.report(findings)


main()
