"""Encodes messages, and makes a counterparty's bytes fit for our own texts.

The venue's own messages are encoded by the C core; this serves the harness and the tests.
"""

from collections.abc import Iterable
from typing import Final

from simplefix import FixMessage  # type: ignore[import-untyped]  # it ships no types

ECHO_MAX: Final = 64


def body(fields: Iterable[tuple[int, bytes]]) -> bytes:
    """Encode fields as `tag=value<SOH>...`, without header and trailer."""
    return b"".join(b"%d=%s\x01" % pair for pair in fields)


def message(
    begin_string: bytes,
    msg_type: bytes,
    sender: bytes,
    target: bytes,
    seq: int,
    sending_time: bytes,
    fields: Iterable[tuple[int, bytes]] = (),
) -> bytes:
    """Encode a whole frame: header 8, 9, 35, 49, 56, 34, 52, then `fields`, then the trailer."""
    encoder = FixMessage()
    head = [(8, begin_string), (35, msg_type), (49, sender), (56, target)]
    for tag, value in (*head, (34, b"%d" % seq), (52, sending_time), *fields):
        encoder.append_pair(tag, value)
    return bytes(encoder.encode())


def echo(value: bytes, cap: int = ECHO_MAX) -> bytes:
    """Make a counterparty's bytes fit for Text(58): other than printable ASCII as `?`, capped."""
    return bytes(byte if 0x20 <= byte < 0x7F else 0x3F for byte in value[:cap])


def printable(value: bytes, cap: int = ECHO_MAX) -> str:
    """Escape a counterparty's bytes for logs: `\\x01` for SOH, at most `cap` characters."""
    text = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}"
        for byte in value[: cap + 1]
    )
    return text if len(text) <= cap else text[: cap - 3] + "..."
