"""Cuts a frame into its fields, data fields by their length.

Never fails: what the cut itself finds wrong is the `fault` of the message, the first of several,
and the fields around it are still there, so that the session layer can answer by MsgSeqNum(34).

- A tag is 1 to 9 digits without a leading zero: else fault 0 (invalid tag number).
- A stretch without `=` means a delimiter inside a value: fault 17, on the field before it.
- A length field is followed by its data field, and that many bytes and SOH lie inside the body:
  else fault 1 (the data or its length is missing), 5 (it does not fit) or 6 (it is no length).
- At most FIELDS_MAX fields: else fault 99, and what follows is not looked at.
"""

from typing import Final

from kk99fix.fix import tables, values
from kk99fix.fix.encode import echo
from kk99fix.fix.framing import TRAILER_LENGTH
from kk99fix.fix.message import FieldError, Message, Pair
from kk99fix.fix.names import label

FIELDS_MAX: Final = 1000

_TAG_DIGITS_MAX: Final = 9
_SOH: Final = b"\x01"
_LENGTH_OF_DATA: Final = {data: length for length, data in tables.DATA_OF_LENGTH.items()}


def split(raw: bytes) -> Message:
    """Split a whole frame, as framing found it, into a Message."""
    fields: list[Pair] = []
    faults: list[FieldError] = []
    position = 0
    while position < len(raw):
        if len(fields) + len(faults) >= FIELDS_MAX:
            faults.append(FieldError(99, 0, b"More than %d fields" % FIELDS_MAX))
            break
        position = _take(raw, position, fields, faults)
    if fields and fields[-1][0] in tables.DATA_OF_LENGTH:
        faults.append(_data_missing(fields[-1][0]))
    msg_type = next((value for tag, value in fields if tag == 35), b"")
    return Message(msg_type, tuple(fields), raw, faults[0] if faults else None)


def _take(raw: bytes, position: int, fields: list[Pair], faults: list[FieldError]) -> int:
    """Take the field at `position`; return where the next one starts."""
    end = raw.find(_SOH, position)
    end = len(raw) if end < 0 else end
    equals = raw.find(b"=", position, end)
    before = fields[-1] if fields else (0, b"")
    if equals < 0:
        text = b"Non-data value includes field delimiter (SOH): %s" % label(before[0])
        faults.append(FieldError(17, before[0], text))
        return end + 1
    digits = raw[position:equals]
    if not digits.isdigit() or digits.startswith(b"0") or len(digits) > _TAG_DIGITS_MAX:
        faults.append(FieldError(0, 0, b"Invalid tag number: %s" % echo(digits)))
        return end + 1
    tag = int(digits)
    data_tag = tables.DATA_OF_LENGTH.get(before[0])
    if data_tag is not None and tag != data_tag:
        faults.append(_data_missing(before[0]))
    elif data_tag is not None:
        end = _data_end(raw, equals + 1, end, before, faults)
    elif tag in _LENGTH_OF_DATA:
        length_tag = _LENGTH_OF_DATA[tag]
        text = b"Required tag missing: %s before %s" % (label(length_tag), label(tag))
        faults.append(FieldError(1, length_tag, text))
    fields.append((tag, raw[equals + 1 : end]))
    return end + 1


def _data_end(
    raw: bytes, start: int, next_soh: int, length_field: Pair, faults: list[FieldError]
) -> int:
    """Where the data that begins at `start` ends; at the next SOH if its length is wrong."""
    tag, value = length_field
    length = values.length(value)
    if length is None:
        text = b"Incorrect data format for value: %s" % label(tag)
        faults.append(FieldError(6, tag, text))
        return next_soh
    end = start + length
    if end >= len(raw) - TRAILER_LENGTH or raw[end : end + 1] != _SOH:
        text = b"Value is incorrect (out of range) for this tag: %s does not fit the data"
        faults.append(FieldError(5, tag, text % label(tag)))
        return next_soh
    return end


def _data_missing(length_tag: int) -> FieldError:
    data_tag = tables.DATA_OF_LENGTH[length_tag]
    text = b"Required tag missing: %s behind %s" % (label(data_tag), label(length_tag))
    return FieldError(1, data_tag, text)
