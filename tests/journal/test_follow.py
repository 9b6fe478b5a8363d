import random
from pathlib import Path

import attrs
import pytest
from support.journal_files import IDENTITY, SMALL_SEGMENT_BYTES, make_writer, unit, write_journal

from kk99fix.journal.errors import JournalDamagedError
from kk99fix.journal.follow import Follower, JournalPosition
from kk99fix.journal.record import Kind, pack_group, seal
from kk99fix.journal.scan import Scan
from kk99fix.journal.segment import PAGE_BYTES, list_segments, segment_name, segment_seed
from kk99fix.journal.writer import JournalWriter
from kk99fix.scanning import FAST_SCAN

START = JournalPosition(1, 1, PAGE_BYTES)
EVERYTHING = 1 << 20


def lsns(follower: Follower, limit_bytes: int = EVERYTHING) -> list[int]:
    """Take all there is and return the lsn of the records, bookkeeping left out."""
    found: list[int] = []
    while (chunk := follower.take(limit_bytes)) is not None:
        found += [header[2] for header in chunk.headers if header[8] != Kind.GROUP]
    return found


@pytest.mark.parametrize("scan", [Scan(), FAST_SCAN], ids=["python", "core"])
@pytest.mark.parametrize("limit_bytes", [1, 300, EVERYTHING])
def test_takes_what_is_added_over_all_segments(
    tmp_path: Path, limit_bytes: int, scan: Scan
) -> None:
    """However little is taken at a time, every record comes once and in order."""
    writer = write_journal(tmp_path, [unit(1)])
    follower = Follower(tmp_path, START, scan)

    assert lsns(follower, limit_bytes) == [1, 2]
    for lsn in range(3, 201, 2):
        writer.append(unit(lsn))
    assert lsns(follower, limit_bytes) == list(range(3, 201))
    assert follower.take(limit_bytes) is None
    assert len(list_segments(tmp_path)) > 2


@pytest.mark.parametrize("seed", range(5))
def test_goes_on_where_another_one_stood(tmp_path: Path, seed: int) -> None:
    """A follower made at the position of another one takes exactly the rest."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose
    write_journal(tmp_path, [unit(lsn) for lsn in range(1, 201, 2)])
    follower, found = Follower(tmp_path, START), []
    while (chunk := follower.take(chance.randrange(1, 2000))) is not None:
        found += [header[2] for header in chunk.headers]
        follower = Follower(tmp_path, follower.position)

    assert found == list(range(1, 201))


def test_shows_no_unit_before_it_is_whole(tmp_path: Path) -> None:
    """Of a unit that is being written nothing is seen until its last byte stands."""
    write_journal(tmp_path, [unit(1)]).close()
    path = tmp_path / segment_name(1)
    whole = seal(unit(3, [b"one", b"two"]), segment_seed(IDENTITY.journal_uuid, 1))
    follower = Follower(tmp_path, START)
    assert lsns(follower) == [1, 2]
    with path.open("r+b", buffering=0) as file:
        for length in range(1, len(whole)):
            file.seek(follower.position.offset)
            file.write(whole[:length])
            # The last bytes are padding, which is zero before it is written.
            if whole[length:].strip(b"\0"):
                assert follower.take(EVERYTHING) is None, length
        file.seek(follower.position.offset)
        file.write(whole)

    assert lsns(follower) == [3, 4, 5]


def durable(directory: Path) -> JournalWriter:
    """Begin a journal of durability `durable`."""
    identity = attrs.evolve(IDENTITY, durable=True)
    writer = JournalWriter(directory, identity, segment_bytes=SMALL_SEGMENT_BYTES)
    writer.create()
    return writer


@pytest.mark.parametrize("limit_bytes", [1, 100, EVERYTHING])
@pytest.mark.parametrize("scan", [Scan(), FAST_SCAN], ids=["python", "core"])
def test_shows_only_what_is_known_to_be_on_the_disk(
    tmp_path: Path, limit_bytes: int, scan: Scan
) -> None:
    """At level durable a unit is seen once a later group says that it is synced."""
    writer = durable(tmp_path)
    follower = Follower(tmp_path, START, scan)
    writer.append(pack_group(1, 0) + unit(1) + unit(3))
    assert lsns(follower, limit_bytes) == []
    writer.append(pack_group(5, 4) + unit(5))
    assert lsns(follower, limit_bytes) == [1, 2, 3, 4]
    follower = Follower(tmp_path, follower.position, scan)
    assert lsns(follower, limit_bytes) == []
    writer.append(pack_group(7, 6))
    assert lsns(follower, limit_bytes) == [5, 6]
    assert follower.position.next_lsn == 7


def test_takes_the_rest_of_a_durable_segment_that_another_one_follows(tmp_path: Path) -> None:
    """What stands before a later segment is on the disk, whatever the last watermark says."""
    writer = durable(tmp_path)
    lsn = 1
    while len(list_segments(tmp_path)) < 3:
        writer.append(pack_group(lsn, lsn - 1) + unit(lsn))
        lsn += 2
    last = list_segments(tmp_path)[-1].header.first_lsn

    assert lsns(Follower(tmp_path, START)) == list(range(1, last))


@pytest.mark.parametrize("limit_bytes", [1, EVERYTHING])
def test_nothing_comes_after_the_last_lsn(tmp_path: Path, limit_bytes: int) -> None:
    """A follower that ends at a record hands out what ends at or before it, over segments too."""
    write_journal(tmp_path, [unit(lsn) for lsn in range(1, 201, 2)])
    for last_lsn in (0, 2, 100, 200):
        follower = Follower(tmp_path, START, last_lsn=last_lsn)
        assert lsns(follower, limit_bytes) == list(range(1, last_lsn + 1))


def test_a_segment_that_does_not_lead_to_the_next_one_is_damaged(tmp_path: Path) -> None:
    """A changed byte before a later segment is said with file, offset and what to do."""
    writer = make_writer(tmp_path)
    writer.create()
    for lsn in range(1, 101, 2):
        writer.append(unit(lsn))
    path = tmp_path / segment_name(1)
    content = bytearray(path.read_bytes())
    content[PAGE_BYTES + 500] ^= 1
    path.write_bytes(content)
    follower = Follower(tmp_path, START)
    with pytest.raises(JournalDamagedError, match="journal verify") as caught:
        lsns(follower)

    assert caught.value.path == path
    assert PAGE_BYTES < caught.value.offset <= PAGE_BYTES + 500
