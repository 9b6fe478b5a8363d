"""Acceptance scripts: session logs with a head that says which test case they are.

A script is a plain text file `fix44/<case>_<what>.fix`.
Its first comment is the head; `Answer` is the row of the table in docs/session_layer.md:

    # 2c: MsgSeqNum(34) lower than expected, without PossDupFlag(43)=Y.
    # Demands: Logout(5) that names both numbers, and the end of the connection.
    # Answer: Logout(5) with both numbers, disconnect; the numbers are kept.
    # Instead: where we differ from what the case demands, and why.
    # Role: initiator (our side logs on; without this line it is the acceptor)
    # Only: live, because ... (or: sans-io, because ...)
    # Config: BROKER1 logon.reset_seq_num = "refused"

A line that begins with three blanks behind its `#` continues the one before it.
Then one line per event; `|` stands for SOH, the last of a message may be left out:

    C                       the counterparty connects
    I 35=0|34=2             it sends: 8, 9, 49, 56, 52 and 10 are added; a value given replaces the
                            added one, and `49=` leaves the field out
    I 8=FIX.4.4|9=*|...     it sends these fields in this order; `*` in 9 and 10: what is right
    B text                  it sends these bytes and nothing else
    E 35=0|34=2             we send exactly this; 8, 9, 49, 56, 52 and 10 are checked and left out,
                            `*` is any value, and `|...` at the end allows further fields and orders
    D heartbeat-timeout     we close the connection and have sent nothing more; the cause, or
                            several with `/` between, may be left out
    T 36                    36 seconds pass
    X                       the counterparty drops the connection
    N 2 3                   the numbers of our side: expected next, to be sent next
    Q text                  our side is asked to log out with this text
    P 35=D|11=1             our side sends an application message (only as the initiator)

`C@BROKER2` is about the connection of another session, `C@BROKER1#2` about another one of the same.
In what is sent `<now>` is the present moment, `<now-121>` two minutes ago, `<now:6>` with six
decimals of a second, and `<112>` the value of that field in the last message received.
"""

import re
from pathlib import Path

import attrs

FOLDER = Path(__file__).parent / "fix44"
DEFAULT_SESSION = "BROKER1"
KINDS = frozenset("CIBEDTXNQP")
MODES = ("sans-io", "live")
KEYS = frozenset({"Demands", "Answer", "Instead", "Role", "Only", "Config"})

#: Every case of the FIX session test cases for FIX 4.4, mandatory and optional.
CASES = (
    *("1B", "1S"),
    *(f"2{letter}" for letter in "abcdefghijklmnopqrst"),
    *("3a", "3b", "3c", "4a", "4b", "5", "6", "7", "8", "9"),
    *(f"10{letter}" for letter in "abcde"),
    *("11a", "11b", "11c", "12", "13a", "13b"),
    *(f"14{letter}" for letter in "abcdefghijklmn"),
    *("15", "16a", "16b", "17", "18", "19a", "19b", "20"),
)


@attrs.frozen
class Line:
    """One event of a script; `who` is a connection."""

    number: int
    kind: str
    who: str
    text: str

    @property
    def session(self) -> str:
        """Return the session that the connection is of."""
        return self.who.partition("#")[0]


@attrs.frozen
class Script:
    """One script; `head` has the values of each key."""

    path: Path
    title: str
    head: dict[str, list[str]]
    lines: tuple[Line, ...]

    @property
    def name(self) -> str:
        """Return the name of the file without its ending."""
        return self.path.stem

    @property
    def case(self) -> str:
        """Return the test case that the name begins with."""
        return self.name.partition("_")[0]

    @property
    def initiator(self) -> bool:
        """Whether our side logs on."""
        return self.one("Role").startswith("initiator")

    @property
    def modes(self) -> tuple[str, ...]:
        """Return how it can be run."""
        only = self.one("Only").partition(",")[0]
        return (only,) if only else MODES

    def one(self, key: str) -> str:
        """Return the only value of a key, empty without one."""
        values = self.head.get(key, [])
        assert len(values) <= 1, f"{self.name}: {key} stands there {len(values)} times"
        return values[0] if values else ""


def read(path: Path) -> Script:
    """Read a script; AssertionError where it is not in the form above."""
    head: list[str] = []
    lines: list[Line] = []
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        if text.startswith("#") and not lines:
            _add_head(head, text)
        elif text.strip() and not text.startswith("#"):
            lines.append(_line(number, text.strip()))
    title, *rest = head or [""]
    values: dict[str, list[str]] = {}
    for entry in rest:
        key, colon, value = entry.partition(": ")
        known = colon and key in KEYS
        assert known, f"{path.name}: what is {entry!r}?"
        values.setdefault(key, []).append(value)
    return Script(path, title, values, tuple(lines))


def scripts() -> list[Script]:
    """Return all scripts, in the order of their cases."""
    found = [read(path) for path in FOLDER.glob("*.fix")]
    order = {case: position for position, case in enumerate(CASES)}
    return sorted(found, key=lambda script: (order.get(script.case, len(CASES)), script.name))


def _add_head(head: list[str], text: str) -> None:
    if text.startswith("#   "):
        head[-1] += " " + text[1:].strip()
    elif text[1:].strip():
        head.append(text[1:].strip())


def _line(number: int, text: str) -> Line:
    kinds = "".join(sorted(KINDS))
    match = re.fullmatch(rf"([{kinds}])(?:@(\S+))?(?: (.*))?", text)
    assert match is not None, f"line {number}: what is {text!r}?"
    return Line(number, match[1], match[2] or DEFAULT_SESSION, match[3] or "")
