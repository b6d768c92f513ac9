"""What an object file of kernels or of an emitted model may need and hold."""
import re

import rig

# Functions that an object may call: memory functions, and what compilers make of integer arithmetic and of switches.
MEMORY = r"mem(cpy|set|move|cmp)|__aeabi_mem(cpy|set|clr|move)[48]?"
INTEGERS = (r"__aeabi_(lmul|lcmp|ulcmp|llsl|llsr|lasr|u?idiv(mod)?|u?ldivmod)|__gnu_thumb1_case_\w+|"
            r"__(ashl|ashr|lshr|clz|ctz|mul|popcount|u?div|u?mod)[sd]i[23]?")
FLOATS = r"__aeabi_\w+|__\w+[sd]f\w*"
ALLOWED = re.compile(f"({MEMORY}|{INTEGERS})$")
ALLOWED_IN_FLOAT = re.compile(f"({MEMORY}|{INTEGERS}|{FLOATS})$")


def findings(nm, path, with_floats=False):
    """What is wrong with the object's symbols: a function of a library that is not allowed, writable data."""
    allowed = ALLOWED_IN_FLOAT if with_floats else ALLOWED
    for kind, symbol in re.findall(r"^\s*[0-9a-f]* (\w) (\S+)$", rig.checked([nm, path]), re.M):
        if kind == "U" and not allowed.match(symbol):
            yield f"needs {symbol}"
        if kind in "dDbBC":
            yield f"{symbol} is writable"
