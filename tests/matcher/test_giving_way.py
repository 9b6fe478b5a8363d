import hashlib
import os
import threading

import pytest

from kk99fix.matcher.giving_way import KEEPING_ON, giving_way, times_interrupted

#: Hashing it is one call into C of tens of milliseconds.
LONG = bytes(20_000_000)


def interruptions() -> int:
    """Return how often the timer interrupts a long call into C."""
    before = times_interrupted()
    hashlib.sha256(LONG).digest()
    return times_interrupted() - before


def test_a_long_call_is_interrupted_within_often_alone() -> None:
    """The timer runs for the block, also after one that failed, and never outside."""
    with giving_way(500) as give_way:
        assert interruptions() == 0
        with give_way.often():
            assert interruptions() >= 2
        assert interruptions() == 0
        with pytest.raises(ZeroDivisionError), give_way.often():
            _ = 1 // 0
        assert interruptions() == 0
        with give_way.often():
            assert interruptions() >= 2
        give_way.now()
    assert interruptions() == 0


def test_a_call_that_waits_goes_on() -> None:
    """A read that is interrupted many times still gets its byte."""
    reader, writer = os.pipe()
    thread = threading.Thread(target=lambda: (interruptions(), os.write(writer, b"x")))
    with giving_way(500) as give_way:
        before = times_interrupted()
        thread.start()
        with give_way.often():
            got = os.read(reader, 1)
        thread.join()

    assert got == b"x"
    assert times_interrupted() - before >= 2
    os.close(reader)
    os.close(writer)


def test_what_a_person_starts_keeps_on() -> None:
    """Without a parent that asked for it there is no timer."""
    KEEPING_ON.now()
    with KEEPING_ON.often():
        assert interruptions() == 0
