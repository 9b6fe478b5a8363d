"""Plays the example day of the rules of engagement against a venue with the shipped files."""

from collections.abc import Callable

import attrs

from kk99fix.config.load import load
from kk99fix.config.resolve import resolve
from kk99fix.fix.example_day import Line
from kk99fix.fix.values import utc_timestamp_ns
from kk99fix.gateway.server import LOGOUT_TEXT, STOP_HEADLINE, STOP_LINES
from kk99fix.venue.session_commands import NewsInput, StopInput
from support.config_folder import REPOSITORY
from support.frames import framed
from support.small_venue import CAPACITY, NS_PER_S
from support.venue_desk import VenueDesk, fields_of, frames_of


def played(day: list[Line]) -> list[Line]:
    """The day as a venue makes it: the same that comes in, and everything that it sends."""
    content = resolve(load(REPOSITORY / "config", REPOSITORY / "sessions"))
    content["sessions"]["BROKER2"]["dialect"] = "kk99"
    desk = VenueDesk(content, capacity=attrs.evolve(CAPACITY, instruments=64), feeds=True)
    captions = [_captions(day, index) for index, line in enumerate(day) if line.mark != "<"]
    told: list[Line] = []
    seen: dict[str, int] = {}
    try:
        for line in (line for line in day if line.mark != "<"):
            told.append(_act(desk, line))
            sent = list(_sent(desk, seen))
            given = captions.pop(0)
            told += [
                Line("<", text, given[place] if place < len(given) else "")
                for place, text in enumerate(sent)
            ]
    finally:
        desk.close()
    return told


def _captions(day: list[Line], index: int) -> list[str]:
    """Captions of what the venue sends because of the line at `index`."""
    captions = []
    for line in day[index + 1 :]:
        if line.mark != "<":
            break
        captions.append(line.caption)
    return captions


def _act(desk: VenueDesk, line: Line) -> Line:
    """Let a line happen; a message gets its BodyLength(9) and CheckSum(10)."""
    if line.mark == "!":
        desk.now_ns += NS_PER_S
        word, name = line.text.split()
        _ACTS[word](desk, name)
        return line
    fields = line.text.split("|")[2:-2]
    raw = framed("\x01".join([*fields, ""]).encode())
    head = fields_of(raw)
    sent_ns = utc_timestamp_ns(head[52].encode())
    assert sent_ns is not None
    desk.now_ns = sent_ns
    if head[35] == "A":
        desk.connect(head[49], raw)
    else:
        desk.feed(head[49], raw)
    return attrs.evolve(line, text=raw.decode().replace("\x01", "|"))


def _news(desk: VenueDesk, name: str) -> None:
    desk.apply(NewsInput(desk.id(name), STOP_HEADLINE, STOP_LINES))


def _stop(desk: VenueDesk, name: str) -> None:
    desk.apply(StopInput(desk.id(name), LOGOUT_TEXT))


_ACTS: dict[str, Callable[[VenueDesk, str], None]] = {"news": _news, "stop": _stop}


def _sent(desk: VenueDesk, seen: dict[str, int]) -> list[str]:
    """What has left since the last time, session by session."""
    texts = []
    for name, wire in desk.wire.items():
        fresh = bytes(wire[seen.get(name, 0) :])
        seen[name] = len(wire)
        texts += [frame.decode().replace("\x01", "|") for frame in frames_of(fresh)]
    return texts
