"""Reads sent messages through the index as the gateway does, record by record in Python."""

import attrs

from kk99fix.journal.messages import Place, SentMessages
from kk99fix.journal.record import MESSAGE_KINDS, Kind, Record, crc_start, is_valid, unpack_record
from kk99fix.journal.scan import offsets


@attrs.frozen
class SentRecord:
    """One sent message: a MESSAGE with its FIX bytes, or a DROP_COPY with its payload."""

    number: int
    kind: Kind
    payload: bytes
    time_ns: int
    lsn: int


def fetch(
    index: SentMessages,
    session: int,
    epoch: int,
    begin: int,
    limit_messages: int = 1 << 30,
    limit_bytes: int = 1 << 40,
) -> list[SentRecord]:
    """Return messages from number `begin` on, as far as they go.

    Stops at `limit_messages`, or once the payloads reach `limit_bytes`.
    """
    while not index.prepare(session, epoch, begin):
        pass
    return fetch_prepared(index, session, epoch, begin, limit_messages, limit_bytes)


def fetch_prepared(
    index: SentMessages,
    session: int,
    epoch: int,
    begin: int,
    limit_messages: int = 1 << 30,
    limit_bytes: int = 1 << 40,
) -> list[SentRecord]:
    """Return the same of a number that is prepared."""
    found: list[SentRecord] = []
    last_segment = index._position().segment
    while len(found) < limit_messages and sum(len(s.payload) for s in found) < limit_bytes:
        number = begin + len(found)
        place = index.place(session, epoch, number)
        record = _next_record(index, place, session, epoch, number)
        if record is not None:
            header = record.header
            found.append(
                SentRecord(number, header.kind, record.payload, header.time_ns, header.lsn)
            )
        elif place.segment == last_segment:
            break
        else:
            index.ended(session, epoch, number, place)
            while not index.prepare(session, epoch, number):
                pass
    return found


def _next_record(
    index: SentMessages, place: Place, session: int, epoch: int, number: int
) -> Record | None:
    """The verified record of `number` behind the place, which moves behind it."""
    start = place.offset
    for offset in offsets(place.records, start, len(place.records)):
        header = unpack_record(place.records, offset).header
        mine = (header.session, header.epoch) == (session, epoch) and header.kind in MESSAGE_KINDS
        if not mine or header.msg_seq_num < number:
            continue
        if header.msg_seq_num > number:
            raise index.damaged(place, offset, f"number {number} is not where it belongs")
        crc = crc_start(place.crc_seed)
        if not is_valid(place.records, offset, len(place.records), crc):
            raise index.damaged(place, offset, "the record was changed after it was written")
        index.moved(session, epoch, number + 1, place, offset + header.length)
        return unpack_record(place.records, offset)
    return None
