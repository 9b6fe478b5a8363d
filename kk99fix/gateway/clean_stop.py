"""The snapshot that a clean stop ends with: the next start begins there, whatever version it is.

Nobody is logged on any more.  What goes on in slices is brought to its end first, by ticks that are
inputs as any other, so that nothing is pending in the state that another version may take over.
A snapshot that cannot be written costs the next start some time and nothing else.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from kk99fix.gateway.parts import Gateway
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.journal.errors import JournalWriteError
from kk99fix.journal.names import seal_name
from kk99fix.journal.segment import segment_name
from kk99fix.journal.settle import settle
from kk99fix.journal.writer import JournalWriter
from kk99fix.state.snapshots import SNAPSHOT_FOLDER, save_snapshot
from kk99fix.venue.inputs import TickInput


def end_slices(sequencer: Sequencer) -> None:
    """Bring walk and expiry to their end; `JournalWriteError`."""
    engine = sequencer.venue.engine
    while engine.walk_pending or engine.expire_pending:
        sequencer.apply(TickInput())


def save_clean_snapshot(gateway: Gateway) -> None:
    """Sync the journal, of which everything is written, and save the settled venue."""
    storage = gateway.storage
    venue, writer = storage.venue, storage.writer
    begun = time.monotonic()
    try:
        for segment in _unsynced(writer):
            settle(storage.files, segment)
        path = save_snapshot(
            venue,
            storage.state_dir / SNAPSHOT_FOLDER,
            writer.identity,
            writer.segment,
            clean=True,
            files=storage.files,
        )
    except JournalWriteError as error:
        gateway.log.warning("no snapshot written", error=str(error))
    else:
        seconds = round(time.monotonic() - begun, 3)
        gateway.log.info("snapshot written", path=str(path), seconds=seconds)


def _unsynced(writer: JournalWriter) -> Iterator[Path]:
    """The last segment, and at level `process` those before it that no keeper has synced."""
    number = writer.segment
    yield writer.directory / segment_name(number)
    while not writer.identity.durable:
        number -= 1
        path = writer.directory / segment_name(number)
        if not path.exists() or (writer.directory / seal_name(number)).exists():
            return
        yield path
