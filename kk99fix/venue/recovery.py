"""Recovery is replay: the journaled inputs again, every output held against the recorded one.

Units that the core's gate takes are applied and compared in C; the others enter `Venue.apply` as
they did when they were live.
A difference is never repaired: `DivergenceError` names the position and shows both byte strings,
and the files stay as they are.
"""

from collections.abc import Iterable

from attrs import define

from kk99fix.journal.record import RECORD_HEADER_BYTES, Kind, unpack_record
from kk99fix.matcher.values import CoreStatus, Replayed
from kk99fix.venue.inputs import read_input
from kk99fix.venue.venue import Venue


class DivergenceError(Exception):
    """The journal and this version of the venue disagree about an output."""

    def __init__(self, text: str, lsn: int) -> None:
        """Take what differs, for a person, and the record at which it does."""
        super().__init__(text)
        self.lsn = lsn


@define
class Recovered:
    """How far replay has come."""

    messages: int = 0
    units_in_python: int = 0


def replay(venue: Venue, runs: Iterable[memoryview]) -> Recovered:
    """Apply runs of whole units in their order; the venue stands behind the last one then.

    Raises `DivergenceError` at the first output that differs.
    """
    progress = Recovered()
    for run in runs:
        _replay_run(venue, run, progress)
    venue.note_time(venue.engine.last_time_ns)
    return progress


def _replay_run(venue: Venue, run: memoryview, progress: Recovered) -> None:
    engine, position = venue.engine, 0
    while position < len(run):
        replayed = engine.replay(run[position:])
        progress.messages += replayed.messages
        if replayed.status is CoreStatus.MISMATCH:
            raise _difference(run, position, replayed)
        position += replayed.used
        if replayed.status is CoreStatus.NEED_DATA:
            assert position == len(run), "a run holds whole units"
            return
        length = unit_length(run, position)
        record = unpack_record(run, position)
        venue.apply(read_input(record), record.header.time_ns)
        progress.units_in_python += 1
        compared = engine.compare(run[position : position + length])
        if compared.status is CoreStatus.MISMATCH:
            raise _difference(run, position, compared)
        progress.messages += compared.messages
        position += length


def unit_length(run: memoryview, position: int) -> int:
    """Bytes of the unit that starts at `position`."""
    length = 0
    while True:
        header = unpack_record(run, position + length).header
        length += header.length
        if header.ends_unit:
            return length


def _difference(run: memoryview, position: int, replayed: Replayed) -> DivergenceError:
    """The error with position, what to do and both byte strings, readable."""
    at = position + replayed.recorded_offset
    recorded = bytes(run[at : at + replayed.recorded_length])
    lsn = unpack_record(memoryview(recorded or replayed.regenerated), 0).header.lsn
    text = (
        f"replay differs from the journal at lsn {lsn}: this version of the venue does not give "
        f"the recorded output: start the version that wrote it; the files are untouched\n"
        f"recorded:    {_readable(recorded)}\n"
        f"regenerated: {_readable(replayed.regenerated)}"
    )
    return DivergenceError(text, lsn)


def _readable(record: bytes) -> str:
    if not record:
        return "nothing"
    header = unpack_record(memoryview(record), 0).header
    payload = record[RECORD_HEADER_BYTES : RECORD_HEADER_BYTES + header.payload_length]
    text = payload.replace(b"\x01", b"|") if header.kind is Kind.MESSAGE else payload.hex().encode()
    return f"{header} {text.decode('ascii', 'backslashreplace')}"
