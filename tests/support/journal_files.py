"""Small journals for tests, and an operating system that fails when it is told to."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from kk99fix.journal.files import Files
from kk99fix.journal.reader import JournalReader, units
from kk99fix.journal.record import Buffer, Kind, Record, pack_record
from kk99fix.journal.segment import Identity, Tail, list_segments, map_records
from kk99fix.journal.writer import JournalWriter

START_NS = 1_700_000_000_000_000_000
IDENTITY = Identity(bytes(range(16)), 20231114, bytes(range(32)), "0.1.0")
SMALL_SEGMENT_BYTES = 8192


def unit(lsn: int, outputs: Sequence[bytes] = (b"8=FIX.4.4\x01report\x01",), **at: int) -> bytes:
    """Return an unsealed unit: a frame and messages to (session, epoch), numbered like their lsn.

    `at` may give `session`, `epoch` and `number`, the MsgSeqNum(34) of the first message.
    """
    session, epoch = at.get("session", 7), at.get("epoch", 0)
    number = at.get("number", lsn + 1)
    unit_bytes = pack_record(
        Kind.FRAME,
        b"8=FIX.4.4\x0135=D\x01",
        lsn=lsn,
        time_ns=START_NS + lsn,
        msg_seq_num=lsn,
        session=session,
        epoch=epoch,
        ends_unit=not outputs,
    )
    for index, payload in enumerate(outputs):
        unit_bytes += pack_record(
            Kind.MESSAGE,
            payload,
            lsn=lsn + 1 + index,
            time_ns=START_NS + lsn,
            msg_seq_num=number + index,
            session=session,
            epoch=epoch,
            ends_unit=index == len(outputs) - 1,
        )
    return unit_bytes


def make_writer(directory: Path, files: Files | None = None) -> JournalWriter:
    """Return a writer of small segments that has not opened anything."""
    return JournalWriter(directory, IDENTITY, segment_bytes=SMALL_SEGMENT_BYTES, files=files)


def write_journal(directory: Path, batches: Iterable[bytes]) -> JournalWriter:
    """Write a new journal of small segments and return its open writer."""
    writer = make_writer(directory)
    writer.create()
    for batch in batches:
        writer.append(batch)
    return writer


def recover(directory: Path, watermark_lsn: int = 0) -> Tail:
    """List and verify a directory as a start does."""
    return JournalReader(list_segments(directory), watermark_lsn=watermark_lsn).recover()


def read_all(directory: Path) -> list[Record]:
    """Return the valid records of all segments in order."""
    return [
        placed.record
        for segment in list_segments(directory)
        for unit_records in units(segment, map_records(segment))
        for placed in unit_records
    ]


class FaultyFiles(Files):
    """Counts the calls by name, takes at most `piece` bytes a write, and fails one chosen call."""

    def __init__(self, fail: str = "", code: int = 0, at: int = 1, piece: int = 1 << 30) -> None:
        """Make call number `at` of the method `fail` raise OSError with errno `code`."""
        self.calls: dict[str, int] = {}
        self._fail = fail
        self._code = code
        self._at = at
        self._piece = piece

    def _count(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        if name == self._fail and self.calls[name] == self._at:
            raise OSError(self._code, os.strerror(self._code))

    def open(self, path: Path, flags: int) -> int:
        """Count, fail or open."""
        self._count("open")
        return super().open(path, flags)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """Count, fail or write a piece."""
        self._count("pwrite")
        return super().pwrite(fd, data[: self._piece], offset)

    def fdatasync(self, fd: int) -> None:
        """Count, fail or sync."""
        self._count("fdatasync")
        super().fdatasync(fd)

    def drop_cache(self, fd: int) -> None:
        """Count, fail or drop."""
        self._count("drop_cache")
        super().drop_cache(fd)

    def sync_directory(self, path: Path) -> None:
        """Count, fail or sync."""
        self._count("sync_directory")
        super().sync_directory(path)

    def rename(self, old: Path, new: Path) -> None:
        """Count, fail or rename."""
        self._count("rename")
        super().rename(old, new)

    def unlink(self, path: Path) -> None:
        """Count, fail or remove."""
        self._count("unlink")
        super().unlink(path)
