"""Frames for tests, from the `|` notation of session logs."""

from kk99fix.fix.framing import checksum

HEADER = "49=BROKER1|56=KK99|34=1|52=20261122-10:00:00.000|"
ORDER = "11=C1|55=AAPL|54=1|60=20261122-10:00:00.000|38=100|40=2|44=190.00|"


def soh(text: str) -> bytes:
    """Bytes of a text in which `|` stands for SOH."""
    return text.replace("|", "\x01").encode("latin-1")


def framed(body: bytes, begin_string: bytes = b"FIX.4.4") -> bytes:
    """A frame around a body that starts with `35=`, its BodyLength(9) and CheckSum(10) right."""
    head = b"8=%s\x019=%d\x01%s" % (begin_string, len(body), body)
    return head + b"10=%03d\x01" % checksum(head)


def frame(msg_type: str, rest: str, header: str = HEADER) -> bytes:
    """A frame of one type, with the usual header before the other fields."""
    return framed(soh(f"35={msg_type}|{header}{rest}"))


def order(more: str = "") -> bytes:
    """A NewOrderSingle(D) that is valid, with more fields at its end."""
    return frame("D", ORDER + more)
