"""Builds `kk99fix.matcher._core` from matcher_c/src; run by setup.py through cffi_modules."""

import sys
from pathlib import Path

from cffi import FFI

# setup.py runs this file alone, with the repository not on the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kk99fix.matcher.declarations import CORE, ROOT, compile_arguments, declarations

ffi = FFI()
ffi.cdef(
    "#define KK_NONE ...\n#define KK_FEED_NO_SOURCE ...\n"
    + declarations(
        f"{CORE}/include/kk_reasons.h",
        f"{CORE}/include/kk_record.h",
        f"{CORE}/include/kk_core.h",
    ),
)
_compile, _link = compile_arguments()
ffi.set_source(
    "kk99fix.matcher._core",
    '#include "kk_core.h"',
    sources=sorted(str(path.relative_to(ROOT)) for path in (ROOT / CORE / "src").glob("*.c")),
    include_dirs=[f"{CORE}/include", f"{CORE}/src"],
    extra_compile_args=_compile,
    extra_link_args=_link,
)
