"""Builds `kk99fix.matcher._io`, the pump, from matcher_c/io; run by setup.py."""

import sys
from pathlib import Path

from cffi import FFI

# setup.py runs this file alone, with the repository not on the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kk99fix.matcher.declarations import CORE, ROOT, compile_arguments, declarations

ffi = FFI()
ffi.cdef(
    "#define KK_PUMP_NO_SLOT ...\n"
    + declarations(
        *(f"{CORE}/io/kk_{name}.h" for name in ("files", "give_way", "journal_writer", "pump"))
    )
)
_compile, _link = compile_arguments()
ffi.set_source(
    "kk99fix.matcher._io",
    '#include "kk_give_way.h"\n#include "kk_pump.h"',
    sources=[
        *sorted(str(path.relative_to(ROOT)) for path in (ROOT / CORE / "io").glob("*.c")),
        f"{CORE}/src/kk_record.c",
        f"{CORE}/src/kk_crc32c.c",
        f"{CORE}/src/kk_assert.c",
    ],
    include_dirs=[f"{CORE}/include", f"{CORE}/src", f"{CORE}/io"],
    extra_compile_args=["-D_GNU_SOURCE", "-pthread", *_compile],
    extra_link_args=["-pthread", *_link],
)
