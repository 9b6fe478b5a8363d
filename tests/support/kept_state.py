"""State directories with several complete segments, made by a gateway that has stopped again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from kk99fix.journal.record import crc_start, record_crc, unpack_header
from kk99fix.journal.scan import offsets
from kk99fix.journal.segment import PAGE_BYTES, map_records, read_segment, segment_name
from kk99fix.keeper.keeper import Keeper, KeeperPolicy
from kk99fix.state.retention import RetentionPolicy
from support.live_gateway import small_settings
from support.live_peer import order
from support.still_gateway import StillGateway, StillPeer

YEARS_LATER_NS = 4_000_000_000_000_000_000


def rest(still: StillGateway, peer: StillPeer, count: int) -> list[bytes]:
    """Send orders that rest, many at a time; returns their reports."""
    reports: list[bytes] = []
    for first in range(0, count, 100):
        for _ in range(min(100, count - first)):
            peer.send("D", order(f"{peer.comp_id}-{peer.next_out}", price="180.00"))
        still.run_pass()
        reports += peer.received()
    return reports


def traded_state(folder: Path, count: int = 5000) -> Path:
    """Let a broker enter orders over segments of 1 MiB, and stop; returns the state directory."""
    with StillGateway(small_settings(folder), folder / "var") as still:
        rest(still, still.connect("BROKER1"), count)
        assert still.gateway.storage.writer.segment >= 3
    return folder / "var"


def keep(state: Path, retention: RetentionPolicy | None = None, *, kept: int = 3) -> None:
    """Let a keeper do all there is to do, with a snapshot behind each complete segment."""
    policy = KeeperPolicy(1, 1, kept, retention or RetentionPolicy())
    keeper = Keeper(state, policy, lambda *_: None, lambda: YEARS_LATER_NS)
    while keeper.step():
        pass
    keeper.close()


def copy_of(state: Path, folder: Path) -> Path:
    """Copy the journal and the snapshots of a state directory, as a backup does."""
    for name in ("journal", "snapshots"):
        if (state / name).exists():
            shutil.copytree(state / name, folder / name)
    return folder


def record_offsets(path: Path) -> Iterator[int]:
    """Offsets in a segment's file of its records."""
    records = map_records(read_segment(path))
    return (PAGE_BYTES + at for at in offsets(records, 0, len(records)))


def forge(state: Path, number: int, wanted: bytes, instead: bytes) -> int:
    """Change bytes of one record of a segment, its checksum too; returns the record's lsn.

    What a faulty venue would have written: valid, and not what the inputs lead to.
    """
    path = state / "journal" / segment_name(number)
    seed = read_segment(path).header.crc_seed
    data = bytearray(path.read_bytes())
    at = data.index(wanted, PAGE_BYTES)
    data[at : at + len(wanted)] = instead
    start = max(offset for offset in record_offsets(path) if offset <= at)
    header = unpack_header(data, start)
    crc = record_crc(data, start, header.payload_length, crc_start(seed))
    data[start + 4 : start + 8] = crc.to_bytes(4, "little")
    path.write_bytes(data)
    return header.lsn
