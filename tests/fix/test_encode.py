import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.fix import encode
from kk99fix.fix.framing import Scan, Verdict, scan


def test_message() -> None:
    """The header comes in its order, then the fields, then the trailer."""
    raw = encode.message(b"FIX.4.4", b"1", b"A", b"B", 12, b"20261122-10:00:00", [(112, b"T")])

    assert raw.replace(b"\x01", b"|") == (
        b"8=FIX.4.4|9=48|35=1|49=A|56=B|34=12|52=20261122-10:00:00|112=T|10=215|"
    )
    assert scan(raw) == Scan(Verdict.FRAME, len(raw))


def test_body() -> None:
    """A body is its fields alone."""
    assert encode.body([(58, b"a"), (112, b"b")]) == b"58=a\x01112=b\x01"
    assert encode.body([]) == b""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"a\x01b", "a\\x01b"),
        (b"\r\n\x1b[31m\x00\xff", "\\x0d\\x0a\\x1b[31m\\x00\\xff"),
        (b"a\\x01", "a\\x5cx01"),
        (b"", ""),
        (b"x" * 64, "x" * 64),
        (b"x" * 65, "x" * 61 + "..."),
        (b"\x00" * 64, "\\x00" * 15 + "\\..."),
    ],
)
def test_printable(value: bytes, text: str) -> None:
    """A counterparty's bytes reach a log escaped and capped."""
    assert encode.printable(value) == text


@given(st.binary(max_size=200), st.integers(min_value=4, max_value=100))
def test_printable_and_echo_are_harmless(value: bytes, cap: int) -> None:
    """Neither holds anything but printable ASCII, nor more than the cap."""
    for text in (encode.printable(value, cap), encode.echo(value, cap).decode("ascii")):
        assert len(text) <= cap
        assert text.isprintable()


def test_echo() -> None:
    """Bytes that Text(58) must not carry become question marks."""
    assert encode.echo(b"a\x01b\xffc") == b"a?b?c"
