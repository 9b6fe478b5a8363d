import pytest
from hypothesis import given
from hypothesis import strategies as st

from kk99fix.journal import scan
from kk99fix.journal.record import Kind, pack_group, pack_record, seal
from kk99fix.matcher import library

SEED = 0x1234_5678
RECORDS = st.tuples(
    st.sampled_from(Kind),
    st.integers(0, 3),
    st.integers(0, 2),
    st.integers(0, 9),
    st.binary(max_size=20),
)


def sealed(rows: list[tuple[Kind, int, int, int, bytes]], first_lsn: int = 1) -> memoryview:
    """Return records (kind, session, epoch, number, payload).

    Inputs and bookkeeping end the unit before; of a group's header `number` is the watermark.
    """
    batch, lsn = b"", first_lsn - 1
    for at, (kind, session, epoch, number, payload) in enumerate(rows):
        following = rows[at + 1][0] if at + 1 < len(rows) else Kind.GROUP
        ends_unit = following.is_input or following.is_bookkeeping
        if kind is Kind.GROUP:
            batch += pack_group(lsn + 1, min(number, lsn))
            continue
        lsn += 1
        batch += pack_record(
            kind,
            payload,
            lsn=lsn,
            time_ns=at,
            msg_seq_num=number,
            session=session,
            epoch=epoch,
            ends_unit=ends_unit,
        )
    return memoryview(bytearray(seal(batch, SEED)))


@pytest.fixture
def units() -> memoryview:
    """Three units of one, three and two records, two headers of groups and an idle marker."""
    payload = b"8=FIX.4.4\x01"
    kinds = [Kind.GROUP, Kind.TICK, Kind.FRAME, Kind.MESSAGE, Kind.DROP_COPY]
    kinds += [Kind.GROUP, Kind.FRAME, Kind.MESSAGE, Kind.GROUP]
    return sealed([(kind, 7, 0, n, payload[:n]) for n, kind in enumerate(kinds)])


def both(records: memoryview) -> int:
    """Return the length of the whole units, on which the core and Python agree."""
    in_python = scan.whole_units(records, SEED, 1)
    in_core = library.verify(records, SEED, 1)

    assert in_python == in_core
    return in_core


def test_the_core_and_python_agree_on_every_prefix(units: memoryview) -> None:
    """Whole units of any cut, with and without zeros behind it, are the same."""
    for length in range(len(units) + 1):
        padded = bytes(units[:length]).ljust(len(units) + 64, b"\0")

        assert both(units[:length]) <= length
        assert both(memoryview(padded)) <= len(units)

    assert len(units) == both(units)


def test_a_group_in_the_middle_of_a_unit_is_damage() -> None:
    """The run ends before a unit that bookkeeping interrupts, valid though each record is."""
    batch = pack_record(Kind.FRAME, b"x", lsn=1, time_ns=0) + pack_group(2, 0)
    batch += pack_record(Kind.MESSAGE, b"y", lsn=2, time_ns=0, ends_unit=True)
    before = seal(pack_group(1, 0), SEED)

    assert both(memoryview(before + seal(batch, SEED))) == len(before)


def test_a_group_says_which_record_follows() -> None:
    """The run ends before a group's header with another lsn than that of the next record."""
    tick = pack_record(Kind.TICK, lsn=1, time_ns=0, ends_unit=True)

    assert both(memoryview(seal(tick + pack_group(2, 1), SEED))) == 2 * len(tick)
    assert both(memoryview(seal(tick + pack_group(1, 0), SEED))) == len(tick)
    assert both(memoryview(seal(tick + pack_group(3, 1), SEED))) == len(tick)


@given(st.lists(RECORDS, max_size=40))
def test_the_core_and_python_count_the_same(
    rows: list[tuple[Kind, int, int, int, bytes]],
) -> None:
    """Bookkeeping is not counted, and the highest watermark among it is found."""
    records = sealed(rows)
    watermarks = [0]
    lsn = 1
    for kind, _, _, number, _ in rows:
        if kind is Kind.GROUP:
            watermarks.append(min(number, lsn - 1))
        else:
            lsn += 1

    assert lsn - 1 == scan.count(records) == library.scan_count(records)
    found = scan.watermark(records, len(records))
    assert max(watermarks) == found == library.scan_watermark(records, len(records))


def test_the_core_and_python_agree_on_every_flipped_bit(units: memoryview) -> None:
    """No changed bit is passed over by either, header, payload and padding alike."""
    for bit in range(len(units) * 8):
        units[bit // 8] ^= 1 << bit % 8
        assert both(units) <= bit // 8, bit
        units[bit // 8] ^= 1 << bit % 8


@given(st.lists(RECORDS, max_size=40), st.integers(0, 45))
def test_the_core_and_python_find_the_same_lsn(
    rows: list[tuple[Kind, int, int, int, bytes]], lsn: int
) -> None:
    """Every lsn is found at the same place, from the start and from each record."""
    records = sealed(rows)

    for start in [*scan.offsets(records, 0, len(records)), len(records)]:
        found = library.scan_lsn(records, start, lsn)
        assert scan.find_lsn(records, start, lsn) == found


@given(st.lists(RECORDS, max_size=40), st.integers(0, 3), st.integers(0, 2), st.integers(0, 9))
def test_the_core_and_python_find_the_same_message(
    rows: list[tuple[Kind, int, int, int, bytes]], session: int, epoch: int, number: int
) -> None:
    """The next message to a session is the same one, also with zeros behind the records."""
    records = memoryview(bytes(sealed(rows)).ljust(8192, b"\0"))

    for start in [0, *scan.offsets(records, 0, len(records))]:
        found = library.scan_session(records, start, session, epoch, number)
        assert scan.find_sent(records, start, session, epoch, number) == found


@given(st.lists(RECORDS, max_size=40), st.data())
def test_the_core_and_python_collect_the_same_extents(
    rows: list[tuple[Kind, int, int, int, bytes]], data: st.DataObject
) -> None:
    """Extents are the same from any record on, though sessions change their epoch to and fro."""
    records = sealed(rows)
    start = data.draw(st.sampled_from([0, *scan.offsets(records, 0, len(records))]))

    assert scan.extents(records, start, len(records)) == library.scan_extents(
        records, start, len(records)
    )


def test_the_core_collects_extents_of_sessions_with_large_ids() -> None:
    """Ids beyond the core's first table are collected too."""
    rows = [(Kind.MESSAGE, session, 0, 1, b"") for session in (5, 1023, 1024, 70_000, 5)]
    records = sealed(rows)

    assert scan.extents(records, 0, len(records)) == library.scan_extents(records, 0, len(records))
