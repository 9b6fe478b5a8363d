from support.live_gateway import LogLines

from kk99fix.gateway.ranges import UnderWay
from kk99fix.gateway.resend_log import EVERY_NS, LARGE, ResendLog

START_NS = 1_790_000_000_000_000_000


def log_of(lines: LogLines) -> ResendLog:
    """A log in which sessions are called by their ids."""
    return ResendLog(lines.log, lambda session: f"S{session}")


def test_a_large_resend_has_two_lines() -> None:
    """Its range when it begins, and when it ends how long it took and what is left."""
    lines = LogLines()
    log, wanted = log_of(lines), UnderWay(1, 1, LARGE, START_NS)
    log.began(7, wanted)
    wanted.next_number = LARGE + 1
    log.ended(7, wanted, START_NS + 1_500_000_000)

    (began,), (ended,) = lines.of("resend began"), lines.of("resend ended")
    assert (began["session"], began["first"], began["last"]) == ("S7", 1, LARGE)
    assert (ended["seconds"], ended["unsent"]) == (1.5, 0)


def test_a_resend_cut_short_says_what_is_missing() -> None:
    """The connection ended in the middle."""
    lines = LogLines()
    log, wanted = log_of(lines), UnderWay(1, 1, 2 * LARGE, START_NS)
    log.began(7, wanted)
    wanted.next_number = LARGE + 1
    log.ended(7, wanted, START_NS)

    assert lines.of("resend ended")[0]["unsent"] == LARGE


def test_a_small_resend_has_none() -> None:
    """Nobody wants to read of it."""
    lines = LogLines()
    log, wanted = log_of(lines), UnderWay(1, 1, LARGE - 1, START_NS)
    log.began(7, wanted)
    log.ended(7, wanted, START_NS)

    assert lines.lines == []


def test_a_session_that_asks_all_the_time_has_a_pair_now_and_then() -> None:
    """Those in between are counted in the next line; other sessions have their own."""
    lines = LogLines()
    log = log_of(lines)
    for n in range(21):
        wanted = UnderWay(1, LARGE + 1, LARGE, START_NS + n * EVERY_NS // 10)
        log.began(7, wanted)
        log.ended(7, wanted, wanted.began_ns)
    log.began(8, UnderWay(1, 1, LARGE, START_NS))

    began = lines.of("resend began")
    assert [line.get("left_out") for line in began] == [None, 9, 9, None]
    assert [line["session"] for line in began] == ["S7", "S7", "S7", "S8"]
    assert len(lines.of("resend ended")) == 3
