"""Files, tables and names agree: a pass 'fold-batchnorm' is src/passes/fold_batchnorm.cpp and the line
TINYC_PASS(fold_batchnorm) of pass_list.inc; op and pass tables are alphabetical and complete; file names are snake_case."""
import re

import tree


def table(path, macro):
    return re.findall(rf"^{macro}\((\w+)\)$", tree.text(path), re.M)


def check_table(path, names):
    findings = [f"{path}: {name} stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
    for left, right in zip(names, names[1:]):
        if left > right:
            findings.append(f"{path}: {right} stands after {left}")
    return findings


def check_passes():
    listing = "src/passes/pass_list.inc"
    listed = table(listing, "TINYC_PASS")
    findings = check_table(listing, listed)
    for path in tree.files("src/passes", suffixes={".cpp"}):
        source = tree.text(path)
        if path.stem not in listed:
            findings.append(f"{path}: no line TINYC_PASS({path.stem}) in {listing}")
        name = path.stem.replace("_", "-")
        if not re.search(rf"\bk_{path.stem}\b.*?make_pass<[^;]*?\"{name}\"", source, re.S):
            findings.append(f"{path}: does not define k_{path.stem} as make_pass<...>(\"{name}\", ...)")
    return findings


def check_ops():
    listing = "src/ops/op_list.inc"
    listed = table(listing, "TINYC_OP")
    findings = check_table(listing, listed)
    defined = set()
    for path in tree.files("src/ops", suffixes={".cpp"}):
        defined |= set(re.findall(r"\bOpDef\s+k_(\w+)\b", tree.text(path)))
    return findings + [f"{listing}: no line for k_{name}" for name in sorted(defined - set(listed))]


def check_files():
    return [f"{path}: file names are snake_case" for path in tree.files("src", "include", "tools", "tests", "bench")
            if not re.fullmatch(r"[a-z0-9_]+(-inl)?", path.stem)]


tree.report(check_passes() + check_ops() + check_files())
