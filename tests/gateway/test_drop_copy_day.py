"""A desk that logs on late and asks for the whole day.

`KK99_DAY_RECORDS=1000000` makes a larger day of it.
"""

import os
from pathlib import Path

import pytest
from support.drop_copy_day import Stream, body_of, held_bytes, number_of, trade
from support.live_gateway import small_settings
from support.still_gateway import StillGateway

RECORDS = int(os.environ.get("KK99_DAY_RECORDS", "200000"))
SEGMENTS = {"segment_bytes = 67_108_864": "segment_bytes = 16_777_216"}
#: Of a day that takes more than 300 bytes for each record.
GROWTH_MAX_BYTES = 8 << 20


@pytest.mark.slow
def test_a_whole_day_is_sent_again(tmp_path: Path) -> None:
    """Every copy comes, in order, with the body of its source, and the process grows by nothing.

    Orders go on meanwhile, and what they add comes last.
    """
    with StillGateway(small_settings(tmp_path, SEGMENTS), tmp_path / "var") as still:
        broker = still.connect("BROKER1")
        bodies = trade(still, broker, RECORDS // 2)
        desk = still.connect("DROPCOPY1")
        assert [message[34] for message in desk.messages()] == [str(RECORDS + 1)]
        desk.reads = False
        desk.send("2", [(7, 1), (16, 0)])
        still.gateway.loop.run_pass()
        stream, number, steps, grown = Stream(desk.sock), 0, 0, {"RssAnon": 0, "RssFile": 0}
        before = held_bytes()

        def read() -> None:
            nonlocal number
            for frame in stream.frames():
                number += 1
                assert number_of(frame) == number
                if number <= RECORDS:
                    assert body_of(frame) == bodies[number - 1]
                    assert b"\x0143=Y\x01115=BROKER1\x01" in frame

        while len(still.gateway.feeder):
            still.gateway.feeder.step()
            still.gateway.sequencer.commit()
            still.gateway.loop.run_pass()
            steps += 1
            if steps % 8 == 0:
                read()
                now = held_bytes()
                grown = {name: max(grown[name], now[name] - before[name]) for name in grown}
        read()
        assert number == RECORDS + 1
        assert max(grown.values()) < GROWTH_MAX_BYTES
        assert still.gateway.storage.writer.segment > 1

        more = trade(still, broker, 100)
        live = list(stream.frames())
        assert [body_of(frame) for frame in live] == more
        assert still.gateway.feeder.statistics().resent_messages == RECORDS
        lines = still.logged.of("resend began") + still.logged.of("resend ended")
        assert [(line["first"], line["last"]) for line in lines] == [(1, RECORDS + 1)] * 2
