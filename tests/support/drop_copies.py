"""Drop copies as the journal has them: rendered from their source."""

from kk99fix.journal.record import DropCopy, Record
from kk99fix.matcher.engine import Engine
from kk99fix.matcher.library import crc32c


def rendered_copy(engine: Engine, record: Record, source: bytes) -> bytes:
    """The bytes of a DROP_COPY record, which come out as they were recorded (D1)."""
    copy = DropCopy.unpack(record.payload)
    rendered = engine.render_copy(
        record.header.session,
        record.header.msg_seq_num,
        source,
        time_ns=record.header.time_ns,
        last_processed=copy.last_processed,
        precision=copy.precision,
        dialect=copy.dialect,
    )
    assert (crc32c(rendered), len(rendered)) == (copy.crc32c, copy.rendered_length)
    return rendered
