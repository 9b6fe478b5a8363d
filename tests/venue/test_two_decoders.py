"""Order entry decodes in C where it can and in Python where it must: both give the same bytes."""

import random

import pytest
from support.venue_desk import Fields, VenueDesk

from kk99fix.matcher.engine import Engine

ORDERS = 400
MORE = (
    "1=A1|",
    "1=A2|",
    "1=NOBODY|",
    "15=USD|",
    "18=6|",
    "18=H|",
    "18=Q|",
    "18=Q H|",
    "21=1|22=4|48=US0378331005|207=XNAS|",
    "58=a note, = and ;|",
    "63=0|64=20261124|",
    "453=2|448=CLIENT|447=D|452=3|448=TRADER|452=36|",
    "526=second|583=link|",
    "528=A|529=1 A|582=4|",
    "58=last|1=A1|453=1|448=C|21=2|",
)
HEADERS: tuple[Fields, ...] = (
    {},
    {50: "desk", 57: "floor"},
    {57: "x" * 70},
    {97: "Y"},
    {142: "NY"},
)


def bodies(random_: random.Random) -> list[tuple[str, str, Fields]]:
    """Requests: type, body and more header fields."""
    requests = []
    for number in range(ORDERS):
        more = "".join(random_.sample(MORE, random_.choice([0, 1, 1, 2])))
        if any(more.count(f"|{tag}=") + more.startswith(f"{tag}=") > 1 for tag in (1, 21, 58, 453)):
            more = ""
        kind = random_.choice("DDDDFGH")
        about = f"11=C{number}|55={random_.choice(['AAPL', 'AAPL', 'COIN', 'NONE'])}|"
        about += f"54={random_.choice('12125')}|"
        terms = f"38={random_.choice(['1', '3', '12.5', '0', '9001'])}|40={random_.choice('2221')}|"
        terms += random_.choice(["44=100|", "44=100.01|", "44=99.99|", "44=20|", ""])
        terms += random_.choice(["", "59=0|", "59=1|", "59=3|", "59=4|", "59=6|"])
        earlier = f"41=C{random_.randrange(number + 1)}|"
        time = "60=20260921-13:33:20|"
        body = {
            "D": about + more + terms + time,
            "F": earlier + about + time,
            "G": earlier + about + terms + more + time,
            "H": about,
        }[kind]
        requests.append((kind, body, random_.choice(HEADERS)))
    return requests


def journal_of(requests: list[tuple[str, str, Fields]]) -> bytes:
    """What a venue with its gate shut writes for the requests of one session."""
    desk = VenueDesk(gate_open=False)
    desk.log_on("ALPHA")
    for kind, body, header in requests:
        desk.feed("ALPHA", desk.build("ALPHA", kind, body, header))
    journal = bytes(desk.journal)
    desk.close()
    return journal


@pytest.mark.parametrize("seed", range(4))
def test_same_bytes(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """A decoder in C that takes nothing changes no byte of the journal."""
    requests = bodies(random.Random(seed))  # noqa: S311 - seeded on purpose
    expected = journal_of(requests)
    monkeypatch.setattr(Engine, "submit_frame", lambda *_: False)

    assert journal_of(requests) == expected
    assert expected.count(b"\x0135=8\x01") > ORDERS / 2
