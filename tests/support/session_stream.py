"""Random days of counterparties as a script of events, which any number of venues can play.

A script is made while a venue plays it, so that who was cut off logs on again; then it can be
played to others that differ in their gate or in how the bytes are cut.
It holds plain orders with every field that may be echoed, and everything that is not plain:
gaps and their filling, resends, tests, duplicates, wrong values, garbled bytes, logouts.
"""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from kk99fix.fix import tables
from kk99fix.fix.values import format_e8, format_utc_timestamp
from kk99fix.matcher.values import Capacity
from kk99fix.venue.session_commands import (
    NewsInput,
    ProbeInput,
    SessionCommand,
    SessionEndInput,
    SessionStartInput,
    StopInput,
    read_session_command,
)
from support.small_venue import CAPACITY, E8, NS_PER_S, configuration, limits, throttle
from support.venue_desk import Fields, VenueDesk, text_of

SESSIONS = ("ALPHA", "BETA", "GAMMA", "DESK", "AUDIT")
TRADERS = ("ALPHA", "BETA", "GAMMA")
PRECISIONS = ("seconds", "milliseconds", "microseconds")

#: How a run of bytes is cut into reads.
Cut = Callable[[bytes], Iterable[bytes]]


@attrs.frozen
class Event:
    """Something that happens to a venue: bytes, logon, drop, tick, roll, command, config, restart.

    The data of a command is its payload.
    """

    at_ns: int
    kind: str
    session: str = ""
    data: bytes = b""


def whole(data: bytes) -> Iterable[bytes]:
    """One read."""
    return (data,)


def play(desk: VenueDesk, events: Iterable[Event], cut: Cut = whole) -> VenueDesk:
    """Play a script to a venue."""
    for event in events:
        play_one(desk, event, cut)
    return desk


def play_one(desk: VenueDesk, event: Event, cut: Cut = whole) -> None:
    """Let one event happen."""
    desk.now_ns = event.at_ns
    match event.kind:
        case "bytes":
            for part in cut(event.data):
                desk.feed(event.session, part)
        case "logon":
            desk.connect(event.session, event.data)
        case "drop":
            desk.drop(event.session)
        case "roll":
            desk.roll(event.data.decode())
        case "tick":
            desk.tick()
        case "command":
            command = read_session_command(desk.id(event.session), json.loads(event.data))
            assert command is not None
            desk.apply(command)
        case "config":
            desk.configure(json.loads(event.data))
        case "restart":
            desk.restart()


class SessionStream:
    """Makes scripts; equal seeds make equal ones."""

    def __init__(
        self,
        seed: int,
        configured: Callable[[], dict[str, Any]] = configuration,
        capacity: Capacity = CAPACITY,
    ) -> None:
        """Begin with everybody logged off; `configured` gives what the venue starts with.

        Who plays the script has the same `capacity`.
        """
        self._random = random.Random(seed)  # noqa: S311 - seeded on purpose
        self._configured = configured
        self._pen = VenueDesk(configured(), capacity=capacity)
        self._ids = 0
        self._recent: dict[str, list[str]] = {}
        self._events: list[Event] = []
        self._days = 22

    def script(self, bursts: int) -> list[Event]:
        """A script of so many bursts of messages."""
        self._add("config", data=json.dumps(self._configuration(everybody=True)).encode())
        for name in SESSIONS:
            self._log_on(name)
        for _ in range(bursts):
            self._pen.now_ns += self._random.choice(
                [0, 0, 0, 1, NS_PER_S // 1000, NS_PER_S, 7 * NS_PER_S, 31 * NS_PER_S]
            )
            self._something()
        self._pen.close()
        return self._events

    # ------------------------------------------------------------------ events

    def _maybe(self, probability: float) -> bool:
        return self._random.random() < probability

    def _add(self, kind: str, session: str = "", data: bytes = b"") -> None:
        self._events.append(Event(self._pen.now_ns, kind, session, data))
        play_one(self._pen, self._events[-1])

    def _is_live(self, name: str) -> bool:
        return self._pen.venue.is_live(self._pen.id(name))

    def _something(self) -> None:
        name = self._random.choice(SESSIONS if self._maybe(0.2) else TRADERS)
        if self._pen.venue.registry.session_id(name) is None:
            name = "ALPHA"
        chance = self._random.random()
        if not self._is_live(name):
            self._log_on(name)
        elif chance < 0.02:
            self._add("drop", name)
        elif chance < 0.04:
            self._days += 1
            self._add("roll", data=b"202609%02d" % min(self._days, 30))
        elif chance < 0.07:
            self._command(name)
        elif chance < 0.075:
            self._add("restart")
        elif chance < 0.085:
            self._add("config", data=json.dumps(self._configuration()).encode())
        elif chance < 0.2:
            self._add("tick")
        else:
            self._burst(name)

    def _command(self, name: str) -> None:
        """What the gateway or a person wants of a session, whether it is logged on or not."""
        name = self._random.choice([name, name, "GAMMA"])
        if self._pen.venue.registry.session_id(name) is None:
            return
        session, now_ns = self._pen.id(name), self._pen.now_ns
        commands: list[SessionCommand] = [
            StopInput(session, "see you"),
            ProbeInput(session, 3 * NS_PER_S),
            NewsInput(session, "News", ("One.", "Two.")),
            SessionStartInput(session, now_ns, reset=self._maybe(0.5)),
            SessionEndInput(session, now_ns, "the session ends"),
        ]
        self._add("command", name, self._random.choice(commands).payload())

    def _configuration(self, *, everybody: bool = False) -> dict[str, Any]:
        """The usual one with a few changes that a running venue takes over."""
        config = self._configured()
        aapl = config["instruments"]["AAPL"]
        aapl["open"] = self._maybe(0.8)
        aapl["band_e8"] = self._random.choice([3, 5, 8]) * E8 // 100
        config["accounts"]["A1"]["limits"] = limits(open_orders=self._random.choice([0, 5, 20]))
        config["venue"]["after_restart"] = self._random.choice(["open", "halted"])
        config["venue"]["reopen_after_ns"] = 5 * NS_PER_S
        config["sessions"]["BETA"]["throttle"] = throttle(orders=self._random.choice([0, 2, 8]))
        config["sessions"]["DESK"]["timestamp_precision"] = self._random.choice(PRECISIONS)
        for name in TRADERS:
            cancels = self._maybe(0.7)
            config["sessions"][name] |= {
                "cancel_on_disconnect": cancels,
                "cancel_grace_ns": self._random.choice([0, 0, 1, 5 * NS_PER_S]),
                "cancel_on_logout": cancels and self._maybe(0.5),
            }
        if self._maybe(0.3) and not everybody:
            del config["sessions"]["GAMMA"]
        return config

    def _log_on(self, name: str) -> None:
        """Log on, mostly with the number expected."""
        view = self._pen.engine.session(self._pen.id(name))
        self._pen.next_number[name] = view.next_in + self._random.choice([0] * 10 + [1])
        fields: Fields = {98: "0", 108: self._random.choice(["5", "30", "60"])}
        if self._maybe(0.1):
            fields[141] = "Y"
            self._pen.next_number[name] = 1
        if self._maybe(0.3):
            missed = self._random.choice([-1, 0, 0, 0, 1, 5])
            fields[789] = "1" if 141 in fields else str(max(1, view.next_out - missed))
        self._add("logon", name, self._pen.build(name, "A", fields))

    def _burst(self, name: str) -> None:
        count = self._random.choice([1, 1, 2, 5, 20])
        data = b"".join(self._one(name) for _ in range(count))
        if self._maybe(0.03):
            data += self._pen.build(name, "5", {})
        self._add("bytes", name, data)

    # ------------------------------------------------------------------ messages

    def _one(self, name: str) -> bytes:
        if name in TRADERS and self._maybe(0.95):
            return self._order(name)
        return self._random.choice(
            [
                self._gap,
                self._administrative,
                self._administrative,
                self._duplicate,
                self._garbled,
                self._wrong,
            ]
        )(name)

    def _order(self, name: str) -> bytes:
        kind = self._random.choice("DDDDDDFGGH")
        header = self._header()
        return self._pen.build(name, kind, self._body(kind, name), header)

    def _header(self) -> Fields:
        header: Fields = {}
        if self._maybe(0.2):
            header[50] = self._random.choice(["desk", "x" * 30, "x" * 80])
        if self._maybe(0.2):
            header[57] = "floor"
        if self._maybe(0.03):
            tag, value = self._random.choice(
                [
                    (97, "Y"),
                    (97, "N"),
                    (43, "N"),
                    (142, "NY"),
                    (115, "X"),
                    (369, "1"),
                    (369, "99999"),
                    (52, "20260921-13:00:00"),
                ]
            )
            header[tag] = value
        return header

    def _body(self, kind: str, name: str) -> str:
        pick = self._random.choice
        recent = self._recent.get(name, ["none"])
        self._ids += 1
        clord_id = f"C{self._ids}"
        fields: Fields = {11: clord_id if self._maybe(0.97) else pick(recent)}
        if kind in "FG":
            fields[41] = pick(recent)
        fields |= {55: pick(["AAPL"] * 20 + ["COIN", "NONE"]), 54: pick("12" * 15 + "5")}
        if kind != "H":
            fields[60] = format_utc_timestamp(self._pen.now_ns, pick([0, 3, 6, 9])).decode()
        if kind in "DG":
            self._recent[name] = [*recent[-8:], clord_id]
            price = 100 * E8 + self._random.randint(-5, 5) * E8 // 100
            fields |= {
                38: pick(["1", "2", "3.0", "010", "7."] * 4 + ["1.5", "0"]),
                40: pick("222212222" * 3 + "3"),
                44: format_e8(price).decode() + pick(["", "", "0", ".0"])[: price % E8 and 1],
                59: pick(["", "0", "1"] * 5 + ["3", "4", "6"]),
            }
            if fields[40] == "1":
                del fields[44]
        parts = [f"{text_of({tag: value})}" for tag, value in fields.items()]
        for part in self._more(kind, name):
            parts.insert(self._random.randint(0, len(parts)), part)
        return "".join(parts)

    def _more(self, kind: str, name: str) -> list[str]:
        """Fields that the message may have: echoed, accepted, refused as instructions, parties."""
        fitting = tables.MESSAGES[kind.encode()].fields
        more = []
        if self._maybe(0.2):
            echoed = sorted(tables.ECHO_TAGS & fitting)
            tags = self._random.sample(echoed, self._random.randint(1, len(echoed)))
            more += [f"{tag}={self._value(tag, name)}|" for tag in tags]
        if self._maybe(0.2) and 453 in fitting:
            more.append(self._parties())
        if self._maybe(0.1) and kind in "DG":
            more.append(self._random.choice(["18=H|", "18=H|", "18=Q|", "18=H Q|"]))
        if self._maybe(0.1):
            kinds = ("QTY", "PRICE", "STRING", "CHAR", "LOCALMKTDATE", "CURRENCY", "BOOLEAN", "INT")
            seen = {int(part.partition("=")[0]) for part in more}
            fresh = sorted(fitting - seen - {1, 11, 37, 38, 40, 41, 44, 54, 55, 58, 59, 60})
            tag = self._random.choice([t for t in fresh if tables.FIELDS[t].datatype in kinds])
            more.append(f"{tag}={self._value(tag, name)}|")
        return more

    def _value(self, tag: int, name: str) -> str:
        rule = tables.FIELDS[tag]
        if tag == 1:
            return self._random.choice(
                ["B1"] if name == "BETA" else ["A1", "A1", "A1", "A2", "B1", "?"]
            )
        if rule.enum:
            return self._random.choice(sorted(rule.enum)).decode()
        by_type = {
            "QTY": "5",
            "PRICE": "99.5",
            "LOCALMKTDATE": "20261124",
            "CURRENCY": "USD",
            "EXCHANGE": "XNAS",
            "BOOLEAN": "Y",
            "INT": "3",
            "CHAR": "1",
        }
        text = self._random.choice(["a note", "8=FIX.4.4", "= and ;", "x" * 200, "y" * 260])
        return by_type.get(rule.datatype, text)

    def _parties(self) -> str:
        count = self._random.choice([1, 2, 3, 8, 9])
        entries = []
        for number in range(count):
            entry = f"448=P{number}|"
            entry += "447=D|" if self._maybe(0.9) else ""
            entry += f"452={number + 1}|" if self._maybe(0.9) else ""
            entry += "802=1|523=sub|803=1|" if self._maybe(0.05) else ""
            entries.append(entry)
        return f"453={count}|" + "".join(entries)

    def _gap(self, name: str) -> bytes:
        """A number left out, an order behind it, and the filling of the gap; or no filling."""
        missing = self._pen.next_number.get(name, 1)
        self._pen.next_number[name] = missing + self._random.randint(1, 3)
        behind = self._pen.build(name, "0", {})
        if self._maybe(0.1):
            return behind
        sent = format_utc_timestamp(self._pen.now_ns).decode()
        header = {34: str(missing), 43: "Y", 122: sent}
        fields: Fields = {123: "Y", 36: str(self._pen.next_number[name] - 1)}
        return behind + self._pen.build(name, "4", fields, header)

    def _administrative(self, name: str) -> bytes:
        """Nothing of order entry."""
        kind, fields = self._random.choice(
            [
                ("0", {}),
                ("1", {112: "are you there"}),
                ("2", {7: "1", 16: "0"}),
                ("2", {7: "2", 16: "3"}),
                ("2", {7: "9999999", 16: "0"}),
                ("3", {45: "1", 58: "no"}),
                ("AF", {584: "all", 585: "7"}),
                ("AF", {584: "some", 585: "1", 55: "AAPL", 54: "1"}),
                ("AF", {584: "none", 585: "8"}),
                ("4", {36: str(self._pen.next_number.get(name, 1) + 1)}),
                ("A", {98: "0", 108: "30"}),
                ("Q", {37: "1", 17: "1", 127: "D", 55: "AAPL", 54: "1", 38: "1"}),
            ]
        )
        return self._pen.build(name, kind, fields)

    def _duplicate(self, name: str) -> bytes:
        """An earlier number, marked as such."""
        number = max(1, self._pen.next_number.get(name, 1) - self._random.randint(1, 3))
        sent = format_utc_timestamp(self._pen.now_ns - NS_PER_S).decode()
        header = {34: str(number), 43: "Y", 122: sent if self._maybe(0.9) else ""}
        return self._pen.build(name, "D", self._body("D", name), header)

    def _garbled(self, name: str) -> bytes:
        data = self._pen.build(name, "0", {})
        self._pen.next_number[name] -= 1  # garbled bytes consume no number
        return self._random.choice(
            [data[:-4] + b"00\x01", data[:-2] + b"?\x01", b"noise", b"8=FIX.4.2\x01" + data[10:]]
        )

    def _wrong(self, name: str) -> bytes:
        """Refused below or above order entry, the session going on."""
        kind, body, header = self._random.choice(
            [
                ("D", "11=X|", {}),
                ("D", self._body("D", name) + "40=2|", {}),
                ("D", self._body("D", name) + "9999=1|", {}),
                ("F", "11=X|41=Y|55=AAPL|54=Q|60=20260921-13:33:20|", {}),
                ("D", self._body("D", name), {115: "ELSE"}),
                ("8", "37=1|", {}),
                ("ZZ", "", {}),
                ("D", self._body("D", name), {52: "20260921-1:00"}),
            ]
        )
        return self._pen.build(name, kind, body, header)
