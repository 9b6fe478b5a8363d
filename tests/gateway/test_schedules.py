"""Schedules carried out on a whole gateway whose clock a test sets, and by the task over time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest
import trio
from support.config_folder import ConfigFolder
from support.live_gateway import SMALL, LogLines
from support.still_gateway import StillGateway, StillPeer
from trio.testing import MockClock

from kk99fix.config.load import Settings
from kk99fix.config.schedule import Schedule
from kk99fix.fix.values import format_utc_timestamp
from kk99fix.gateway.clock import VenueClock
from kk99fix.gateway.current import Current
from kk99fix.gateway.schedules import LOOK_AGAIN_S, Schedules
from kk99fix.venue.inputs import TickInput
from kk99fix.venue.session_commands import NewsInput, SessionEndInput, SessionStartInput
from kk99fix.venue.session_times import SessionTimes

S = 1_000_000_000
DAILY = """[schedule]
start = "17:00"
end = "16:55"
zone = "America/New_York"
days = ["sun", "mon", "tue", "wed", "thu"]
"""
ROUND = """[schedule]
start = "12:00"
end = "12:00"
zone = "UTC"
start_day = "wed"
end_day = "wed"
"""
ORDER = [(55, "AAPL"), (54, 1), (60, "20260101-00:00:00"), (38, 1), (40, 2), (44, "190.00")]


def ns(text: str) -> int:
    """Return the moment of an ISO text in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


class Venues:
    """One state directory, the gateways over it one after the other, and the time of day."""

    def __init__(
        self, folder: Path, schedule: str, *, more: str = "", cancels: bool = False
    ) -> None:
        """Give BROKER1 a schedule."""
        files = ConfigFolder(folder)
        for old, new in SMALL.items():
            files.replace("config/venue.toml", old, new)
        files.replace("sessions/BROKER1.toml", "[limits]", schedule + "[limits]")
        if cancels:
            files.replace("sessions/BROKER1.toml", "cancel_on_disconnect = false", "")
        if more:
            files.replace("sessions/BROKER1.toml", 'reset_seq_num = "allowed"', more)
        self.settings: Settings = files.load()
        self.state_dir = folder / "var"
        self.utc_ns = 0

    @contextmanager
    def running(self, at: str) -> Iterator["Running"]:
        """A gateway that starts at this time."""
        self.utc_ns = ns(at)
        with StillGateway(self.settings, self.state_dir) as still:
            yield Running(self, still)


@attrs.define
class Running:
    """One gateway, and what a test asks of it."""

    venues: Venues
    still: StillGateway

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Epoch and numbers of BROKER1."""
        view = self.still.engine.session(self.still.session("BROKER1"))
        return view.epoch, view.next_in, view.next_out

    def is_open(self) -> bool:
        """Whether BROKER1 may log on."""
        return self.still.gateway.schedules.is_open("BROKER1")

    def at(self, text: str, *, catch_up: bool = True) -> None:
        """Let it be that time."""
        self.later(ns(text) - self.venues.utc_ns, catch_up=catch_up)

    def later(self, after_ns: int, *, catch_up: bool = True) -> None:
        """Let time pass, and everything happen that waits for it."""
        self.venues.utc_ns += after_ns
        clock, sequencer = self.still.gateway.clock, self.still.gateway.sequencer
        clock.offset_ns += after_ns
        sequencer.pump.set_clock(clock.offset_ns, 0)
        deadline_ns = sequencer.venue.next_deadline_ns()
        if deadline_ns is not None and deadline_ns <= sequencer.pump.now_ns():
            sequencer.apply(TickInput())
            sequencer.commit()
        if catch_up:
            self.still.gateway.schedules.catch_up()
        self.still.run_pass()

    def boundaries(self) -> list[str]:
        """What the log says of starts and ends, in order."""
        words = {"session starts": "start", "session ends": "end"}
        lines = [line for line in self.still.logged.lines if line["event"] in words]
        return ["reset" if line.get("numbers_reset") else words[line["event"]] for line in lines]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Venues]:
    """Make venues whose clock is theirs."""

    def make(schedule: str = DAILY, *, more: str = "", cancels: bool = False) -> Venues:
        venues = Venues(tmp_path, schedule, more=more, cancels=cancels)
        defaults = cast("dict[str, Any]", VenueClock.__init__.__kwdefaults__)
        monkeypatch.setitem(defaults, "utc_ns", lambda: venues.utc_ns)
        stamp = lambda: format_utc_timestamp(venues.utc_ns).decode()  # noqa: E731 - a patch
        monkeypatch.setattr("support.still_gateway.stamp", stamp)
        return venues

    return make


def trade(running: Running, count: int = 3) -> StillPeer:
    """Log BROKER1 on and place orders."""
    peer = running.still.connect("BROKER1")
    for number in range(count):
        peer.send("D", [(11, f"{running.venues.utc_ns}-{number}"), *ORDER])
        if number % 50 == 0:
            running.still.run_pass()
    running.still.run_pass()
    assert peer.types() == "A" + "8" * count
    return peer


# ------------------------------------------------------------------ boundaries while it runs


def test_open_and_closed(make: Callable[..., Venues]) -> None:
    """A session may log on within its periods, and one without a schedule always."""
    with make().running("2026-11-24T12:00:00") as running:
        found = []
        for moment in ("24T21:54:59", "24T21:55:00", "24T21:59:59", "24T22:00:00", "27T21:56:00"):
            running.at(f"2026-11-{moment}")
            found.append(running.is_open())
            assert running.still.gateway.schedules.is_open("BROKER2")

        assert found == [True, False, False, True, False]


def test_a_look_at_the_period_carries_out_nothing(make: Callable[..., Venues]) -> None:
    """It sees a boundary as soon as it has passed, and leaves the command to who may log on."""
    with make().running("2026-11-24T12:00:00") as running:
        schedules, before = running.still.gateway.schedules, running.still.engine.next_lsn
        assert schedules.in_period("BROKER1")
        running.at("2026-11-24T21:55:00", catch_up=False)

        assert not schedules.in_period("BROKER1")
        assert schedules.in_period("BROKER2")
        assert running.still.engine.next_lsn == before
        assert not running.is_open()
        assert running.still.engine.next_lsn > before


def test_an_end_logs_out_and_a_start_resets(make: Callable[..., Venues]) -> None:
    """News(B) and a Logout(5) with its text; on Sunday the numbers begin at 1."""
    with make().running("2026-11-27T21:54:50") as running:
        peer = trade(running)
        running.at("2026-11-27T21:55:00")
        news, logout = peer.messages()
        assert (news[35], news[148]) == ("B", "The session ends")
        assert news[33] == "2"
        assert news[58] == "Sequence numbers begin at 1 when it starts again."
        assert logout[35] == "5"
        assert logout[58] == "the session ends at 16:55 America/New_York"
        peer.send("5", [])
        running.still.run_pass()
        assert peer.closed()
        assert running.numbers == (1, 6, 7)

        running.at("2026-11-29T22:00:00")
        assert running.numbers == (2, 1, 1)
        again = running.still.connect("BROKER1")
        running.still.run_pass()
        (logon,) = again.messages()
        assert (logon[35], logon[34]) == ("A", "1")
        again.send("H", [(11, f"{ns('2026-11-27T21:54:50')}-0"), (55, "AAPL"), (54, 1)])
        running.still.run_pass()
        (status,) = again.messages()
        assert (status[150], status[39], status[34]) == ("I", "0", "2")

        assert running.boundaries() == ["start", "end", "reset"]


def test_the_news_says_what_becomes_of_orders(make: Callable[..., Venues]) -> None:
    """With cancel_on_logout they go, and the counterparty is told so beforehand."""
    more = 'reset_seq_num = "allowed"\ncancel_on_logout = true'
    with make(more=more, cancels=True).running("2026-11-24T21:54:50") as running:
        peer = trade(running)
        running.at("2026-11-24T21:55:00")
        assert b"58=Open orders are cancelled." in peer.received()[0]


def test_numbers_go_on_from_day_to_day(make: Callable[..., Venues]) -> None:
    """Within the week the news says so, and the next start changes nothing."""
    with make().running("2026-11-24T21:54:50") as running:
        peer = trade(running)
        running.at("2026-11-24T21:55:00")
        assert peer.messages()[0][58] == "Sequence numbers go on when it starts again."
        peer.send("5", [])
        running.still.run_pass()
        running.at("2026-11-24T22:00:00")

        assert running.numbers == (1, 6, 7)
        assert running.boundaries() == ["start", "end", "start"]


def test_a_start_waits_for_the_connection_of_before(make: Callable[..., Venues]) -> None:
    """With no pause in between the logout has its time, and only then the numbers start over."""
    with make(ROUND).running("2026-11-25T11:59:50") as running:
        peer = trade(running)
        running.at("2026-11-25T12:00:00")
        assert peer.types() == "B5"
        assert not running.is_open()
        assert running.numbers == (1, 5, 7)
        running.later(S)
        assert running.numbers == (1, 5, 7)
        running.later(S)
        assert [line["cause"] for line in running.still.logged.of("session ended")] == [
            "session-end"
        ]
        running.still.run_pass()
        running.later(1)

        assert running.numbers == (2, 1, 1)
        assert running.is_open()
        assert running.boundaries() == ["start", "end", "reset"]


def test_a_reset_while_a_resend_is_under_way(make: Callable[..., Venues]) -> None:
    """What is still being sent of the old numbers ends with its connection; nothing leaks."""
    with make(ROUND).running("2026-11-25T11:59:50") as running:
        peer = trade(running, 400)
        peer.send("2", [(7, 1), (16, 0)])
        running.still.run_pass()
        running.still.step()
        assert len(running.still.gateway.feeder) == 1
        running.at("2026-11-25T12:00:00")
        running.still.step()
        resent = peer.messages()
        assert {message[43] for message in resent} == {"Y"}
        assert running.numbers == (1, 403, 404)
        peer.reads = False
        peer.sock.close()
        running.still.run_pass()
        running.later(1)

        assert running.numbers == (2, 1, 1)
        assert len(running.still.gateway.feeder) == 0
        again = running.still.connect("BROKER1")
        running.still.feed()
        assert [(message[35], message[34]) for message in again.messages()] == [("A", "1")]


def test_a_logon_never_comes_before_the_start(make: Callable[..., Venues]) -> None:
    """Whoever is there at the very moment gets the new numbers, whether the task woke up or not."""
    with make().running("2026-11-29T21:59:59") as running:
        before = running.numbers
        running.at("2026-11-29T22:00:00", catch_up=False)
        assert running.numbers == before
        assert running.is_open()

        assert running.numbers == (before[0] + 1, 1, 1)


def test_a_reset_by_flag_once_in_a_session(make: Callable[..., Venues]) -> None:
    """With at-session-start a Logon(A) may reset once after each start."""
    more = 'reset_seq_num = "at-session-start"'
    with make(more=more).running("2026-11-24T12:00:00") as running:
        trade(running).sock.close()
        running.still.run_pass()
        refused = running.still.connect("BROKER1", logon=[(141, "Y")], number=1)
        running.still.run_pass()
        assert refused.types() == "5"
        running.still.run_pass()
        running.at("2026-11-24T22:00:00")
        taken = running.still.connect("BROKER1", logon=[(141, "Y")], number=1)
        running.still.run_pass()
        assert taken.types() == "A"
        assert running.numbers == (2, 2, 2)


# ------------------------------------------------------------------ boundaries while it does not


def test_what_passed_while_the_gateway_was_down(make: Callable[..., Venues]) -> None:
    """A start makes up for it in its order, once, before anybody can log on."""
    venues = make()
    with venues.running("2026-11-24T12:00:00") as running:
        trade(running)
        assert running.boundaries() == ["start"]
    with venues.running("2026-11-24T20:00:00") as running:
        assert running.boundaries() == []
        assert running.is_open()
    with venues.running("2026-11-25T12:00:00") as running:
        assert running.boundaries() == ["end", "start"]
        assert running.numbers[0] == 1
    with venues.running("2026-12-02T12:00:00") as running:
        assert running.boundaries() == ["end", "reset"]
        assert running.numbers == (2, 1, 1)
        assert running.is_open()
    with venues.running("2026-12-05T12:00:00") as running:
        assert running.boundaries() == ["end", "start", "end"]
        assert not running.is_open()
    with venues.running("2026-12-05T12:00:01") as running:
        assert running.boundaries() == []
        assert not running.is_open()


def test_a_replay_of_every_boundary(make: Callable[..., Venues]) -> None:
    """A restart behind ends, starts and resets finds all of them in the journal again."""
    venues = make(ROUND)
    with venues.running("2026-11-25T11:59:50") as running:
        trade(running, 60)
        running.at("2026-11-25T12:00:00")
        running.later(3 * S)
        running.still.run_pass()
        running.later(1)
        trade(running, 2)
        state = running.numbers
        times = running.still.gateway.storage.venue.session_times(running.still.session("BROKER1"))
        assert state == (2, 4, 4)
    with venues.running("2026-11-25T13:00:00") as running:
        assert running.still.logged.of("journal replayed")
        assert running.numbers[:2] == state[:2]
        found = running.still.gateway.storage.venue.session_times(running.still.session("BROKER1"))
        assert found == times


# ------------------------------------------------------------------ the task


@attrs.define
class Fake:
    """Sequencer, venue, pump, registry and connections in one; its clock is Trio's."""

    clock: MockClock
    start_ns: int = ns("2026-11-27T12:00:00")
    times: dict[int, SessionTimes] = attrs.field(factory=dict)
    live: set[int] = attrs.field(factory=set)
    applied: list[tuple[float, str]] = attrs.field(factory=list)
    began: float = attrs.field(init=False)
    current: Current = attrs.field(init=False)
    #: Sessions whose files go once something was applied.
    going: set[str] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        """Begin now."""
        self.began = self.clock.current_time()

    @property
    def venue(self) -> "Fake":
        """All is one."""
        return self

    pump = registry = venue

    def now_ns(self) -> int:
        """Venue time: so long after the start."""
        return self.start_ns + round((self.clock.current_time() - self.began) * S)

    def session_id(self, comp_id: str) -> int:
        """Return the number in a name."""
        return int(comp_id[-1])

    def session_times(self, session: int) -> SessionTimes:
        """Return what was applied."""
        return self.times.get(session, SessionTimes())

    def is_live(self, session: int) -> bool:
        """Whether the test says so."""
        return session in self.live

    def address_of(self, session: int) -> str | None:
        """Return some address of who is live."""
        return "192.0.2.1" if session in self.live else None

    def apply(self, item: NewsInput | SessionStartInput | SessionEndInput) -> None:
        """Note the input."""
        after = round(self.clock.current_time() - self.began, 3)
        times = self.session_times(item.session)
        match item:
            case SessionStartInput():
                kind = "reset" if item.reset else "start"
                self.times[item.session] = attrs.evolve(times, started_ns=item.start_ns)
            case SessionEndInput():
                kind = "end"
                self.times[item.session] = attrs.evolve(times, ended_ns=item.end_ns)
            case _:
                kind = "news"
        self.applied.append((after, f"{kind} {item.session}"))
        self.current.update(dict.fromkeys(self.going))

    def commit(self) -> None:
        """Do nothing."""

    def schedules(self, **by_name: Schedule | None) -> Schedules:
        """Return the task's object for sessions of these schedules."""
        files = [
            SimpleNamespace(
                comp_id=name,
                schedule=each,
                logon=SimpleNamespace(allow_from=(), cancel_on_logout=False),
            )
            for name, each in by_name.items()
        ]
        self.current = Current(cast("Any", SimpleNamespace(sessions=files)))
        me = cast("Any", self)
        return Schedules(self.current, me, me, LogLines().log)


FX = Schedule("17:00", "17:00", "America/New_York", start_day="sun", end_day="fri")
H = 3600


async def test_the_task_is_there_at_every_boundary(clock: MockClock) -> None:
    """From Friday noon on: everybody's end at 22:00 UTC, the start on Sunday at the same."""
    fake = Fake(clock)
    schedules = fake.schedules(S1=FX, S2=None, S3=FX)
    with trio.move_on_after(3 * 24 * H):
        await schedules.run()

    assert fake.applied == [
        (0, "start 1"),
        (0, "start 3"),
        (10 * H, "end 1"),
        (10 * H, "end 3"),
        (58 * H, "reset 1"),
        (58 * H, "reset 3"),
    ]


async def test_a_file_that_goes_while_many_begin(clock: MockClock) -> None:
    """A reload between two of them takes one away: nothing is due for it, and the task goes on."""
    fake = Fake(clock, going={"S2"})
    schedules = fake.schedules(S1=FX, S2=FX, S3=FX)
    with trio.move_on_after(11 * H):
        await schedules.run()

    assert [what for _, what in fake.applied] == ["start 1", "start 3", "end 1", "end 3"]


async def test_the_task_waits_for_a_connection_to_go(clock: MockClock) -> None:
    """The start comes within a quarter of a second after it, and others are not held up."""
    fake = Fake(clock, start_ns=ns("2026-11-25T11:59:00"))
    weekly = Schedule("12:00", "12:00", "UTC", start_day="wed", end_day="wed")
    schedules = fake.schedules(S1=weekly, S2=weekly)
    fake.live.add(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(schedules.run)
        await trio.sleep(61.9)
        assert not schedules.is_open("S1")
        assert schedules.is_open("S2")
        fake.live.clear()
        await trio.sleep(10)
        nursery.cancel_scope.cancel()

    assert fake.applied[:2] == [(0, "start 1"), (0, "start 2")]
    assert fake.applied[2:6] == [(60, "news 1"), (60, "end 1"), (60, "end 2"), (60, "reset 2")]
    (when, what), *more = fake.applied[6:]
    assert what == "reset 1"
    assert 61.9 <= when <= 61.9 + LOOK_AGAIN_S
    assert more == []


async def test_nobody_has_a_schedule(clock: MockClock) -> None:
    """The task rests, and everybody may log on."""
    fake = Fake(clock)
    schedules = fake.schedules(S1=None)
    with trio.move_on_after(1000):
        await schedules.run()

    assert schedules.is_open("S1")
    assert fake.applied == []
