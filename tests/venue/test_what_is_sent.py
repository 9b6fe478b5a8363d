"""Whatever the venue sends is valid FIX 4.4, and repeats what the order said, as it said it."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from support.session_stream import SESSIONS, SessionStream, play
from support.small_venue import configuration, particular
from support.venue_desk import Sent, VenueDesk, fields_of

from kk99fix.fix import tables
from kk99fix.fix.split import split
from kk99fix.fix.validate import validate

TIME = "60=20260921-13:33:20|"
DIALECT_KK99 = "BETA"

ECHOED = (
    "1=A2|",
    "15=USD|",
    "21=1|",
    "22=4|48=US0378331005|",
    "207=XNAS|",
    "453=1|448=a|447=D|452=3|",
    "453=8|" + "".join(f"448=p{n}|447=D|452={n}|" for n in range(1, 9)),
    "453=9|" + "".join(f"448=p{n}|452={n}|" for n in range(1, 10)),
    "453=2|448=a|447=D|452=3|802=2|523=s|803=1|523=t|803=2|448=b|",
    "526=second|",
    "528=A|529=1 A|",
    "582=4|",
    "583=link|",
)
#: Accepted, and told to nobody.
SILENT = ("18=H|", "63=0|64=20261124|", "114=N|", "167=CS|", "81=0|", "77=O|")


@pytest.mark.parametrize("configured", [configuration, particular])
@pytest.mark.parametrize("seed", range(3))
def test_valid(seed: int, configured: Callable[[], dict[str, Any]]) -> None:
    """Every message, copy and resend of random days passes full validation for its receiver."""
    desk = play(VenueDesk(configured()), SessionStream(seed, configured).script(300))
    count = 0
    for name in SESSIONS:
        for _, message in desk.outputs(name):
            for raw in (message, desk.engine.render_resend(message, desk.now_ns)):
                error = validate(split(raw), kk99=name == DIALECT_KK99)
                assert error is None, (error, raw)
                count += 1
    assert count > 1000


def echo_of(sent: Sent) -> str:
    """What stands between the ids of a report and its Symbol(55): the echo."""
    text = sent.raw.decode("latin-1").replace("\x01", "|")
    start = text.index("|41=") if "|41=" in text else text.index("|11=")
    return text[text.index("|", start + 1) + 1 : text.index("|55=") + 1]


def order(clord_id: str, parts: list[str], **other: str) -> str:
    """A limit order for ten, with more fields between its own."""
    own = [
        f"11={clord_id}|",
        "55=AAPL|",
        f"54={other.get('side', '1')}|",
        TIME,
        "38=10|",
        "40=2|",
        f"44={other.get('price', '100')}|",
        f"59={other.get('time_in_force', '0')}|",
        *([f"41={other['orig']}|"] if "orig" in other else []),
    ]
    mixed = random.Random(clord_id).sample(own, len(own))  # noqa: S311 - seeded on purpose
    for number, part in enumerate(parts):
        mixed.insert(2 * number, part)
    return "".join(mixed)


@pytest.mark.parametrize("gate_open", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_echo(gate_open: bool, seed: int) -> None:
    """Echoed fields come back on every report in the order in which they came, Text(58) last.

    Text(58) makes way where a report has one of its own; what is only accepted is not repeated.
    """
    random_ = random.Random(seed)  # noqa: S311 - seeded on purpose
    groups = [part for part in ECHOED if part.startswith("453=")]
    single = [part for part in ECHOED if not part.startswith("453=")]
    parts = [*random_.sample(single, 4), random_.choice(groups)]
    random_.shuffle(parts)
    expected = "".join(parts)
    sent_parts = [*parts[:2], "58=note|", *parts[2:], random_.choice(SILENT)]
    desk = VenueDesk(gate_open=gate_open)
    desk.log_on("ALPHA")
    desk.log_on("BETA")
    header = {50: "trader", 57: "floor"}

    (new,) = desk.send("ALPHA", "D", order("first", sent_parts), header)
    assert echo_of(new) == expected + "58=note|"
    assert (new[50], new[57]) == ("floor", "trader")
    trade = desk.send("BETA", "D", order("other", [], side="2").replace("38=10|", "38=3|"))[1]
    assert (trade.session, trade[150], echo_of(trade)) == ("ALPHA", "F", expected + "58=note|")
    (state,) = desk.send("ALPHA", "H", "11=first|55=AAPL|54=1|")
    assert echo_of(state) == expected + "58=note|"

    terms = order("next", ["15=EUR|"], orig="first", price="99.99", time_in_force="1")
    (replaced,) = desk.send("ALPHA", "G", terms)
    assert (replaced[150], echo_of(replaced), replaced[50]) == ("5", "15=EUR|", "")
    (cancelled,) = desk.send("ALPHA", "F", f"41=next|11=c|55=AAPL|54=1|{TIME}")
    assert (cancelled[150], echo_of(cancelled)) == ("4", "15=EUR|")

    ioc = order("ioc", sent_parts, time_in_force="3")
    new, rest = desk.send("ALPHA", "D", ioc)
    assert (echo_of(new), echo_of(rest)) == (expected + "58=note|", expected)
    assert rest[58].startswith("IOC_REMAINDER; ")
    (refused,) = desk.send("ALPHA", "D", order("ioc", sent_parts))
    assert (echo_of(refused), refused[150]) == (expected, "8")
    desk.close()


def test_too_much_to_echo() -> None:
    """More than can be kept is refused with its code, and nothing of it is repeated."""
    desk = VenueDesk()
    desk.log_on("ALPHA")
    (fits,) = desk.send("ALPHA", "D", order("1", [f"58={'x' * 476}|"]))
    (refused,) = desk.send("ALPHA", "D", order("2", [f"58={'x' * 477}|"]))

    assert (fits[150], len(fits[58])) == ("0", 476)
    assert (refused[150], refused[58].partition(";")[0]) == ("8", "ECHO_TOO_LONG")
    assert fields_of(refused.raw)[103] == str(tables.REJECT_CODES["ECHO_TOO_LONG"].ord_rej_reason)
