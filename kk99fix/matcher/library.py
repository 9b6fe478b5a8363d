"""What the core can do without an engine: framing, checksums, and walks over journal records."""

import mmap
from typing import Any

from kk99fix.matcher._core import ffi, lib
from kk99fix.matcher.values import CoreStatus


def frame(data: bytes, limit: int) -> tuple[CoreStatus, int]:
    """Status and length of the frame at the start of `data` (`kk_frame`)."""
    length = ffi.new("size_t *")
    status = lib.kk_frame(ffi.from_buffer(data), len(data), limit, length)
    return CoreStatus(status), length[0]


def core_version() -> str:
    """Version of the core's behaviour; part of the journal's version fence."""
    return _text(lib.kk_core_version())


def dictionary_digest() -> str:
    """SHA-256 (hex) of the message dictionary that the core was built with."""
    return _text(lib.kk_core_dictionary_digest())


def crc32c(data: bytes) -> int:
    """CRC-32C of `data`."""
    return int(lib.kk_crc32c(0, ffi.from_buffer(data), len(data)))


def verify(data: memoryview | bytes | mmap.mmap, seed: int, first_lsn: int) -> int:
    """Length of the leading run of whole, valid units in `data` (`kk_verify`)."""
    return int(lib.kk_verify(ffi.from_buffer(data), len(data), seed, first_lsn))


def scan_session(
    data: memoryview | bytes | mmap.mmap, start: int, session: int, epoch: int, number: int
) -> int:
    """Offset of the next output of (session, epoch) numbered `number` or more; len if none."""
    return int(lib.kk_scan_session(ffi.from_buffer(data), len(data), start, session, epoch, number))


def scan_lsn(data: memoryview | bytes | mmap.mmap, start: int, lsn: int) -> int:
    """Offset of the record with `lsn` at or after `start`; len if none."""
    return int(lib.kk_scan_lsn(ffi.from_buffer(data), len(data), start, lsn))


def scan_count(data: memoryview | bytes | mmap.mmap) -> int:
    """How many verified records have an lsn of their own (`kk_scan_count`)."""
    return int(lib.kk_scan_count(ffi.from_buffer(data), len(data)))


def scan_watermark(data: memoryview | bytes | mmap.mmap, end: int) -> int:
    """Highest watermark among the verified records up to `end`; 0 when there is none."""
    return int(lib.kk_scan_watermark(ffi.from_buffer(data), end))


def scan_extents(
    data: memoryview | bytes | mmap.mmap, start: int, end: int
) -> dict[tuple[int, int], tuple[int, int, int]]:
    """(session, epoch) -> first and last number and offset of the first, for each sent message."""
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    records = ffi.from_buffer(data)
    sessions = 1024
    while start < end:
        extents = ffi.new("kk_extent[]", sessions)
        start = lib.kk_scan_extents(records, end, start, extents, sessions)
        for session, extent in enumerate(ffi.unpack(extents, sessions)):
            if extent.messages:
                first, offset = extent.first, extent.offset
                first, _, offset = found.get((session, extent.epoch), (first, 0, offset))
                found[session, extent.epoch] = (first, extent.last, offset)
        if start < end:
            (stopped_at,) = ffi.unpack(ffi.cast("kk_record *", records + start), 1)
            sessions = max(sessions, stopped_at.session + 1)
    return found


def _text(pointer: Any) -> str:  # noqa: ANN401 - a cffi pointer has no better type
    return bytes(ffi.string(pointer)).decode("ascii")
