"""The journal record: header layout, kinds, flags, checksum, and the two fixed payloads.

This module is the twin of matcher_c/include/kk_record.h; a test holds the two against each other.

     0        4        8                16               24               32
     +--------+--------+----------------+----------------+----------------+
     | length | crc32c |      lsn       |    time_ns     |  msg_seq_num   |
     +--------+--------+--------+-+-+---+----------------+----------------+
     |session | epoch  |payload_|k|v|flg| payload ... padding to 8 bytes   |
     +--------+--------+--------+-+-+---+---------------------------------+
     32       36       40      44 45 46  48

Rules:

- All fields are little-endian; `length` counts header, payload and padding.
- Padding is zero, and a length of 0 ends the written part of a segment.
- The checksum is CRC-32C over bytes 8 to the end of the payload, continued from the seed of the
  segment, so a record copied into another segment never verifies.
- `length` and the padding are outside the checksum, but both follow from `payload_length`.
- A unit is one input and all its outputs; its last record carries `FLAG_UNIT_END`.

- Kinds from 128 on are bookkeeping: they take no lsn, stand only between units, and every walk that
  looks for inputs or outputs passes them over.  The header of a group is one: its lsn is that of
  the next record, its msg_seq_num the watermark, the last lsn that was known to be on the disk.

Files, segments and the order of records belong to the other modules of this package.
"""

import enum
import struct
from typing import Final

import attrs
from crc32c import crc32c

#: What the readers accept: a slice of a mapped file, or bytes made by a test.
Buffer = bytes | bytearray | memoryview

RECORD_HEADER_BYTES: Final = 48
RECORD_VERSION: Final = 1
RECORD_ALIGNMENT: Final = 8
CRC_START: Final = 8
"""Offset of the first byte under the checksum."""

FLAG_UNIT_END: Final = 1
FLAG_INPUT: Final = 2
FLAGS_KNOWN: Final = FLAG_UNIT_END | FLAG_INPUT
FIRST_OUTPUT_KIND: Final = 64
"""Kinds below are inputs, kinds from here on are outputs."""
FIRST_BOOKKEEPING_KIND: Final = 128
"""Kinds from here on are neither: the journal's own."""

HEADER: Final = struct.Struct("<IIQqQIIIBBH")
DROP_COPY: Final = struct.Struct("<QIIQBB6x")
RESEND_RANGE: Final = struct.Struct("<QQ")
KIND_OFFSET: Final = 44
_NOT_TOLD: Final = 2**64 - 1
_CRC: Final = struct.Struct("<I")
_LENGTH: Final = struct.Struct("<I")
_PAYLOAD_LENGTH: Final = struct.Struct("<I")
_PAYLOAD_LENGTH_OFFSET: Final = 40


class Kind(enum.IntEnum):
    """What a record holds. Inputs are below 64, outputs from 64 on, bookkeeping from 128 on."""

    FRAME = 1  #: a frame of a logged-on session, as it arrived; msg_seq_num is its 34, or 0
    LOGON = 2  #: the masked Logon of an authenticated connection
    LOGON_FAILED = 3  #: bounded: only what passed network and certificate
    DISCONNECT = 4  #: payload: the cause
    TICK = 5  #: time passed that somebody waited for
    CONFIG = 6  #: payload: resolved configuration, canonical JSON
    DAY_ROLL = 7  #: payload: the new trading day, YYYYMMDD
    RESTART = 8  #: the process started; every session is disconnected
    OPERATOR = 9  #: an operator's command
    MESSAGE = 64  #: the exact FIX bytes sent to a session; msg_seq_num is their 34
    DROP_COPY = 65  #: payload: `DropCopy`; the bytes are rendered from the source
    RESEND = 66  #: payload: `ResendRange`, frozen when it was asked for
    GROUP = 128  #: before what is synced together; msg_seq_num is the watermark

    @property
    def is_input(self) -> bool:
        """Whether this kind starts a unit."""
        return self < FIRST_OUTPUT_KIND

    @property
    def is_bookkeeping(self) -> bool:
        """Whether this kind is the journal's own: no input, no output, no lsn."""
        return self >= FIRST_BOOKKEEPING_KIND


#: Records that carry a MsgSeqNum(34) of ours: what a resend can ask for.
MESSAGE_KINDS: Final = frozenset((Kind.MESSAGE, Kind.DROP_COPY))
_KINDS: Final = frozenset(int(kind) for kind in Kind)


@attrs.frozen
class RecordHeader:
    """The 48 bytes before every payload, in the order of the layout."""

    length: int
    crc32c: int
    lsn: int
    time_ns: int
    msg_seq_num: int
    session: int
    epoch: int
    payload_length: int
    kind: Kind
    version: int
    flags: int

    @property
    def is_input(self) -> bool:
        """Whether the record starts a unit."""
        return bool(self.flags & FLAG_INPUT)

    @property
    def ends_unit(self) -> bool:
        """Whether the record is the last of its unit."""
        return bool(self.flags & FLAG_UNIT_END)


@attrs.frozen
class Record:
    """A header with its payload, copied out of the journal."""

    header: RecordHeader
    payload: bytes


@attrs.frozen
class DropCopy:
    """Payload of a DROP_COPY record: where its bytes come from, and how they must come out.

    `crc32c` is that of the rendered bytes, without a seed.  The last three are settings of the
    receiving session as they were then, so that the bytes come out the same for ever.
    """

    source_lsn: int
    crc32c: int
    rendered_length: int
    #: LastMsgSeqNumProcessed(369); None where it is not told.
    last_processed: int | None = None
    #: `kk_precision` of the times.
    precision: int = 0
    #: `kk_dialect`.
    dialect: int = 0

    def pack(self) -> bytes:
        """Return the 32 bytes of the payload."""
        told = _NOT_TOLD if self.last_processed is None else self.last_processed
        return DROP_COPY.pack(
            self.source_lsn, self.crc32c, self.rendered_length, told, self.precision, self.dialect
        )

    @classmethod
    def unpack(cls, payload: Buffer) -> "DropCopy":
        """Read the payload of a DROP_COPY record; struct.error when it has not 32 bytes."""
        source_lsn, crc, length, told, precision, dialect = DROP_COPY.unpack(payload)
        last_processed = None if told == _NOT_TOLD else told
        return cls(source_lsn, crc, length, last_processed, precision, dialect)


@attrs.frozen
class ResendRange:
    """Payload of a RESEND record: the numbers to send again, both ends included."""

    begin: int
    end: int

    def pack(self) -> bytes:
        """Return the 16 bytes of the payload."""
        return RESEND_RANGE.pack(self.begin, self.end)

    @classmethod
    def unpack(cls, payload: Buffer) -> "ResendRange":
        """Read the payload of a RESEND record; struct.error when it has not 16 bytes."""
        return cls(*RESEND_RANGE.unpack(payload))


def record_bytes(payload_length: int) -> int:
    """Return the size on disk of a record with a payload of that many bytes."""
    unpadded = RECORD_HEADER_BYTES + payload_length
    return (unpadded + RECORD_ALIGNMENT - 1) & ~(RECORD_ALIGNMENT - 1)


def pack_record(
    kind: Kind,
    payload: bytes = b"",
    *,
    lsn: int,
    time_ns: int,
    msg_seq_num: int = 0,
    session: int = 0,
    epoch: int = 0,
    ends_unit: bool = False,
) -> bytes:
    """Return one whole record with a checksum of 0, as the core makes it; `seal` fills that in."""
    flags = (FLAG_INPUT if kind.is_input else 0) | (FLAG_UNIT_END if ends_unit else 0)
    length = record_bytes(len(payload))
    header = HEADER.pack(
        length,
        0,
        lsn,
        time_ns,
        msg_seq_num,
        session,
        epoch,
        len(payload),
        kind,
        RECORD_VERSION,
        flags,
    )
    return (header + payload).ljust(length, b"\0")


def pack_group(next_lsn: int, watermark: int) -> bytes:
    """Return the header of a group: the next record is `next_lsn`, `watermark` is on the disk."""
    assert watermark < next_lsn, (watermark, next_lsn)
    return pack_record(Kind.GROUP, lsn=next_lsn, time_ns=0, msg_seq_num=watermark)


def unpack_header(data: Buffer, offset: int) -> RecordHeader:
    """Read the header at `offset` of a record known to be whole; ValueError on an unknown kind."""
    length, crc, lsn, time_ns, number, session, epoch, payload_length, kind, version, flags = (
        HEADER.unpack_from(data, offset)
    )
    return RecordHeader(
        length,
        crc,
        lsn,
        time_ns,
        number,
        session,
        epoch,
        payload_length,
        Kind(kind),
        version,
        flags,
    )


def unpack_record(data: Buffer, offset: int) -> Record:
    """Copy out the record at `offset`, known to be whole."""
    header = unpack_header(data, offset)
    start = offset + RECORD_HEADER_BYTES
    return Record(header, bytes(data[start : start + header.payload_length]))


def length_at(data: Buffer, offset: int) -> int:
    """Return the length field of the record at `offset`."""
    length: int = _LENGTH.unpack_from(data, offset)[0]
    return length


def crc_start(segment_seed: int) -> int:
    """Return the running CRC-32C after the segment's seed, from which every record continues."""
    return crc32c(segment_seed.to_bytes(4, "little"))


def record_crc(data: Buffer, offset: int, payload_length: int, start: int) -> int:
    """Return the checksum of the record at `offset`; `start` comes from `crc_start`."""
    end = offset + RECORD_HEADER_BYTES + payload_length
    return crc32c(data[offset + CRC_START : end], start)


def seal(batch: Buffer, segment_seed: int) -> bytes:
    """Return the whole records of `batch` with their checksums under the segment's seed."""
    sealed = bytearray(batch)
    start = crc_start(segment_seed)
    offset = 0
    while offset < len(sealed):
        (payload_length,) = _PAYLOAD_LENGTH.unpack_from(sealed, offset + _PAYLOAD_LENGTH_OFFSET)
        _CRC.pack_into(sealed, offset + 4, record_crc(sealed, offset, payload_length, start))
        offset += length_at(sealed, offset)
    return bytes(sealed)


def is_valid(data: Buffer, offset: int, end: int, start: int) -> bool:
    """Return whether a whole, undamaged record stands at `offset` and ends at or before `end`.

    `start` comes from `crc_start`. The order of records is not looked at.
    """
    if end - offset < RECORD_HEADER_BYTES:
        return False
    length, crc, lsn, _, number, _, _, payload_length, kind, version, flags = HEADER.unpack_from(
        data, offset
    )
    if length > end - offset or length != record_bytes(payload_length):
        return False
    if version != RECORD_VERSION or kind not in _KINDS or flags & ~FLAGS_KNOWN:
        return False
    if bool(flags & FLAG_INPUT) != (kind < FIRST_OUTPUT_KIND):
        return False
    if kind >= FIRST_BOOKKEEPING_KIND and (flags or payload_length or number >= lsn):
        return False
    if any(data[offset + RECORD_HEADER_BYTES + payload_length : offset + length]):
        return False
    return bool(record_crc(data, offset, payload_length, start) == crc)
