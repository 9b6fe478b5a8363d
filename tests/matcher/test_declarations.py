"""The C headers as cffi reads them: the header's own text, constants with their values."""

from pathlib import Path

import pytest
from cffi import FFI

from kk99fix.matcher import declarations
from kk99fix.matcher._core import ffi, lib

REPOSITORY = Path(__file__).parents[2]
HEADERS = tuple(f"matcher_c/include/{name}.h" for name in ("kk_reasons", "kk_record", "kk_core"))

HEADER = """\
/* About
 * the header. */
#ifndef KK_X_H
#define KK_X_H

#include <stdint.h>

#define KK_NONE UINT32_MAX
#define KK_LIMIT 17 /* with a remark */
#define KK_FLAG 4u
#define KK_LONG(x) \\
    ((x) + \\
     1)

typedef struct kk_x {
    uint32_t a; /* what it is */
    uint8_t b[KK_LIMIT];
} kk_x;

_Static_assert(sizeof(kk_x) == 24,
               "reaches disk");

int kk_f(const kk_x *x);
#endif
"""


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The headers of the repository, wherever the package was installed from."""
    monkeypatch.setattr(declarations, "ROOT", REPOSITORY)


def test_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Comments, directives and assertions go; integer macros stay, without their suffix."""
    (tmp_path / "x.h").write_text(HEADER)
    monkeypatch.setattr(declarations, "ROOT", tmp_path)
    text = declarations.declarations("x.h")

    assert text.split("\n", 2)[:2] == ["#define KK_LIMIT 17", "#define KK_FLAG 4"]
    for gone in ("KK_NONE", "KK_LONG", "Static_assert", "include", "remark", "About"):
        assert gone not in text
    parsed = FFI()
    parsed.cdef(text)
    assert parsed.sizeof("kk_x") == 24


def test_in_order() -> None:
    """All public headers together are what cffi takes."""
    parsed = FFI()
    parsed.cdef("#define KK_NONE 4294967295\n" + declarations.declarations(*HEADERS))

    for name in ("kk_record", "kk_command", "kk_session_view", "kk_replayed"):
        assert parsed.sizeof(name) == ffi.sizeof(name), "the built module was compiled from them"


def test_every_function_is_there() -> None:
    """Each function that the headers declare can be called: nothing is left out of the build."""
    text = declarations.declarations(*HEADERS)
    names = [
        line.split("(")[0].split()[-1].lstrip("*")
        for line in text.splitlines()
        if line.startswith(("kk_", "void ", "size_t ", "uint", "int64", "bool ", "const "))
        and "(" in line
    ]

    assert len(names) > 40
    for name in names:
        assert name.startswith("kk_")
        assert hasattr(lib, name), name


def test_constants() -> None:
    """Macros are constants of the module."""
    assert lib.KK_NONE == 0xFFFFFFFF
    assert lib.KK_FRAME_MAX == 65536
    assert lib.KK_RECORD_HEADER_BYTES == 48


@pytest.mark.parametrize(
    ("environment", "compiled", "linked"),
    [
        ({"KK99_CFLAGS": "-O0 -g"}, ["-std=c11", "-O0", "-g"], ["-O0", "-g"]),
        (
            {"KK99_SANITIZE": "1"},
            ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
            ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
        ),
        ({}, ["-O3"], ["-O3"]),
    ],
)
def test_compile_arguments(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    compiled: list[str],
    linked: list[str],
) -> None:
    """The environment chooses the build: optimised, with given flags, or instrumented."""
    for name in ("KK99_CFLAGS", "KK99_SANITIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    compiling, linking = declarations.compile_arguments()

    assert set(compiled) <= set(compiling)
    assert "-std=c11" in compiling
    assert set(linked) <= set(linking)
