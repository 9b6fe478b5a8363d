import re
from pathlib import Path

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st
from support.journal_files import unit

from kk99fix.journal import record
from kk99fix.journal.record import Kind

HEADER_FILE = Path(__file__).parents[2] / "matcher_c" / "include" / "kk_record.h"
SEED = 0x1234_5678
FIELDS = {
    "lsn": st.integers(0, 2**64 - 1),
    "time_ns": st.integers(-(2**63), 2**63 - 1),
    "msg_seq_num": st.integers(0, 2**64 - 1),
    "session": st.integers(0, 2**32 - 1),
    "epoch": st.integers(0, 2**32 - 1),
    "ends_unit": st.booleans(),
}


def test_kinds_are_those_of_the_c_header() -> None:
    """The enum of kk_record.h and `Kind` have the same names and numbers."""
    text = HEADER_FILE.read_text()
    body = re.search(r"typedef enum kk_record_kind \{(.*?)\}", text, re.DOTALL)
    assert body is not None

    in_c = {name: int(n) for name, n in re.findall(r"KK_RECORD_(\w+) = (\d+)", body[1])}

    assert in_c == {kind.name: kind.value for kind in Kind}


def test_constants_are_those_of_the_c_header() -> None:
    """Sizes, version and flags of kk_record.h are the ones used here."""
    defines = dict(re.findall(r"#define KK_RECORD_(\w+) (\d+)u?", HEADER_FILE.read_text()))

    assert {
        "HEADER_BYTES": str(record.RECORD_HEADER_BYTES),
        "VERSION": str(record.RECORD_VERSION),
        "UNIT_END": str(record.FLAG_UNIT_END),
        "INPUT": str(record.FLAG_INPUT),
        "FIRST_BOOKKEEPING": str(record.FIRST_BOOKKEEPING_KIND),
    } == defines


def test_offsets_are_those_that_the_c_header_asserts() -> None:
    """Each field that kk_record.h pins down stands at the same offset in the struct here."""
    text = HEADER_FILE.read_text()
    pinned = re.findall(r"_Static_assert\(offsetof\(kk_record, (\w+)\) == (\d+)", text)
    sizes = dict(re.findall(r"_Static_assert\(sizeof\((kk_\w+)\) == (\d+)", text))
    packed = record.HEADER.pack(0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    marks = {"lsn": 2, "time_ns": 3, "msg_seq_num": 4, "session": 5, "epoch": 6}
    marks |= {"payload_length": 7, "kind": 8, "flags": 10}

    assert set(marks) == {name for name, _ in pinned}
    assert all(packed[int(offset)] == marks[name] for name, offset in pinned)
    assert record.HEADER.size == record.RECORD_HEADER_BYTES
    assert sizes == {"kk_drop_copy": "32", "kk_resend_range": "16"}
    assert (record.DROP_COPY.size, record.RESEND_RANGE.size) == (32, 16)


@given(
    kind=st.sampled_from([kind for kind in Kind if not kind.is_bookkeeping]),
    payload=st.binary(max_size=100),
    fields=st.fixed_dictionaries(FIELDS),
)
def test_a_record_round_trips(kind: Kind, payload: bytes, fields: dict[str, int]) -> None:
    """What is packed and sealed is valid under its seed and reads back the same."""
    packed = record.pack_record(kind, payload, **fields)  # type: ignore[arg-type]
    sealed = record.seal(packed, SEED)

    read = record.unpack_record(sealed, 0)

    assert record.is_valid(sealed, 0, len(sealed), record.crc_start(SEED))
    assert payload == read.payload
    assert (kind, kind.is_input) == (read.header.kind, read.header.is_input)
    assert fields == {
        "lsn": read.header.lsn,
        "time_ns": read.header.time_ns,
        "msg_seq_num": read.header.msg_seq_num,
        "session": read.header.session,
        "epoch": read.header.epoch,
        "ends_unit": read.header.ends_unit,
    }
    assert len(sealed) == read.header.length == record.record_bytes(len(payload))


def test_the_header_of_a_group_round_trips() -> None:
    """It carries the next lsn and the watermark, and nothing that makes it input or output."""
    sealed = record.seal(record.pack_group(8, 5), SEED)

    header = record.unpack_record(sealed, 0).header

    assert record.is_valid(sealed, 0, len(sealed), record.crc_start(SEED))
    assert (header.kind, header.lsn, header.msg_seq_num) == (Kind.GROUP, 8, 5)
    assert (header.flags, header.time_ns, header.session, header.epoch) == (0, 0, 0, 0)
    assert (header.kind.is_bookkeeping, header.kind.is_input) == (True, False)
    assert len(sealed) == record.RECORD_HEADER_BYTES


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        (b"x", {"msg_seq_num": 5}),
        (b"", {"msg_seq_num": 8}),
        (b"", {"msg_seq_num": 5, "ends_unit": True}),
    ],
    ids=["a payload", "a watermark ahead of the record", "the end of a unit"],
)
def test_bookkeeping_that_says_more_is_not_valid(payload: bytes, fields: dict[str, int]) -> None:
    """The header of a group has no payload and no flags, and knows nothing of what follows it."""
    packed = record.pack_record(Kind.GROUP, payload, lsn=8, time_ns=0, **fields)  # type: ignore[arg-type]
    sealed = record.seal(packed, SEED)

    assert not record.is_valid(sealed, 0, len(sealed), record.crc_start(SEED))


def test_the_checksum_continues_from_the_little_endian_seed() -> None:
    """The checksum is CRC-32C of the seed's four bytes, then bytes 8 to the end of the payload."""
    packed = record.pack_record(Kind.TICK, b"abc", lsn=1, time_ns=2, ends_unit=True)

    sealed = record.seal(packed, SEED)

    expected = crc32c(SEED.to_bytes(4, "little") + packed[8:51])
    assert expected == int.from_bytes(sealed[4:8], "little")


def test_crc32c_is_castagnoli() -> None:
    """The check value of CRC-32C (RFC 3720) comes out of the library."""
    assert crc32c(b"123456789") == 0xE3069283


def test_any_flipped_bit_makes_a_record_invalid() -> None:
    """Every bit of header, payload and padding is guarded."""
    sealed = bytearray(record.seal(unit(5, outputs=()), SEED))
    start = record.crc_start(SEED)

    for bit in range(len(sealed) * 8):
        sealed[bit // 8] ^= 1 << bit % 8
        assert not record.is_valid(sealed, 0, len(sealed), start), bit
        sealed[bit // 8] ^= 1 << bit % 8

    assert record.is_valid(sealed, 0, len(sealed), start)


def test_a_record_is_invalid_when_it_is_cut_off() -> None:
    """No prefix of a record is taken for one."""
    sealed = record.seal(unit(5, outputs=()), SEED)
    start = record.crc_start(SEED)

    assert not any(record.is_valid(sealed, 0, end, start) for end in range(len(sealed)))
    assert not any(record.is_valid(sealed[:end], 0, end, start) for end in range(len(sealed)))


def test_a_record_is_invalid_under_another_seed() -> None:
    """A record copied into another segment does not verify there."""
    sealed = record.seal(unit(5, outputs=()), SEED)

    assert not record.is_valid(sealed, 0, len(sealed), record.crc_start(SEED + 1))


def test_seal_fills_in_every_record_of_a_batch() -> None:
    """All records of several units are valid after sealing, wherever they stand."""
    batch = unit(1) + unit(3, outputs=(b"a", b"bb", b"ccc"))
    sealed = record.seal(batch, SEED)
    offset = count = 0

    while offset < len(sealed):
        assert record.is_valid(sealed, offset, len(sealed), record.crc_start(SEED))
        offset += record.length_at(sealed, offset)
        count += 1

    assert count == 6


@pytest.mark.parametrize(
    "payload",
    [
        record.DropCopy(1, 2, 3),
        record.DropCopy(1, 2, 3, last_processed=0, precision=2, dialect=1),
        record.ResendRange(2**40, 2**41),
    ],
    ids=["copy", "copy with settings", "resend"],
)
def test_fixed_payloads_round_trip(payload: record.DropCopy | record.ResendRange) -> None:
    """The payloads of fixed size read back as they were packed."""
    assert payload == type(payload).unpack(payload.pack())
