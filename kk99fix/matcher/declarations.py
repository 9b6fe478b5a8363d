"""C headers to cffi declarations: the header's own text without comments and directives.

The extension is compiled against the very header, so the compiler checks every struct and
prototype; integer macros become constants that the compiler fills in.
Build time only; imports nothing of ours.
"""

import os
import platform
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = "matcher_c"

# Hidden symbols, so that calls within the extension are direct and may be inlined across files:
# a third of the CPU time of an order.
# Without AVX-512: gcc 12 then copies structs to stack addresses that it has not aligned.
_OPTIMISED = "-O3 -g -march=native -flto=auto -fvisibility=hidden"
if platform.machine() == "x86_64":
    _OPTIMISED += " -mno-avx512f"

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_MACRO = re.compile(r"^#define\s+(KK_\w+)\s+(\d+)u?\s*(?:/\*.*)?$", re.MULTILINE)
_STATIC_ASSERT = re.compile(r"_Static_assert\(.*?\);", re.DOTALL)


def declarations(*headers: str) -> str:
    """Text for `FFI.cdef` of headers given relative to the repository, in their order."""
    parts = []
    for header in headers:
        text = (ROOT / header).read_text(encoding="utf-8")
        macros = [f"#define {name} {value}" for name, value in _MACRO.findall(text)]
        body = _COMMENT.sub("", text)
        body = re.sub(r"^#define[^\n]*\\\n(?:[^\n]*\\\n)*[^\n]*$", "", body, flags=re.MULTILINE)
        body = re.sub(r"^#[^\n]*$", "", body, flags=re.MULTILINE)
        body = _STATIC_ASSERT.sub("", body)
        parts.append("\n".join([*macros, body]))
    return "\n".join(parts)


def compile_arguments() -> tuple[list[str], list[str]]:
    """Compiler and linker arguments: optimised, or instrumented when `KK99_SANITIZE` is 1."""
    if os.environ.get("KK99_SANITIZE") == "1":
        sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
        return ["-std=c11", "-O1", "-g", "-fno-omit-frame-pointer", *sanitizers], sanitizers
    flags = os.environ.get("KK99_CFLAGS", _OPTIMISED).split()
    return ["-std=c11", *flags], flags
