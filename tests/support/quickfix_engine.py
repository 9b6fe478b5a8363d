"""A QuickFIX engine in a process of its own: build it, drive it, read what it saw.

The engine is tests/interop/quickfix_peer.cpp with Debian's QuickFIX; it validates against a stock
FIX 4.4 dictionary, or one that a test names, with everything switched on.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs
import pytest

from support.lines import LineReader

REPOSITORY: Final = Path(__file__).resolve().parent.parent.parent
SOURCE: Final = REPOSITORY / "tests" / "interop" / "quickfix_peer.cpp"
HEADER: Final = Path("/usr/include/quickfix/SocketInitiator.h")
DICTIONARIES: Final = (
    Path("/usr/share/quickfix/FIX44.xml"),
    REPOSITORY.parent / "shared" / "reference" / "FIX44.xml",
)
WAIT_S: Final = 8.0
ENDED_WITHIN_S: Final = 20.0

#: Of either side: one period a week, and every validation there is.
COMMON_SETTINGS: Final = """\
[DEFAULT]
FileStorePath={store}
StartDay=sunday
EndDay=sunday
StartTime=00:00:00
EndTime=00:00:00
SocketNodelay=Y
UseDataDictionary=Y
DataDictionary={dictionary}
CheckCompID=Y
CheckLatency=Y
ValidateLengthAndChecksum=Y
ValidateFieldsOutOfOrder=Y
ValidateFieldsHaveValues=Y
ValidateUserDefinedFields=Y
AllowUnknownMsgFields=N
"""
_SETTINGS = (
    COMMON_SETTINGS
    + """\
ConnectionType=initiator
ReconnectInterval=1
HeartBtInt=30
ResetOnLogon=N
ResetOnLogout=N
ResetOnDisconnect=N

[SESSION]
BeginString=FIX.4.4
SenderCompID={comp_id}
TargetCompID=KK99
SocketConnectHost=127.0.0.1
SocketConnectPort={port}
"""
)


def require() -> None:
    """Skip the test where QuickFIX is not on this machine; never in CI."""
    lack = _missing()
    if lack is not None:
        assert os.environ.get("KK99_CI") != "1", lack
        pytest.skip(lack)


def _missing() -> str | None:
    """Say what QuickFIX lacks on this machine, None where all is there."""
    if shutil.which("g++") is None:
        return "g++ is not installed"
    if not HEADER.exists():
        return "libquickfix-dev is not installed"
    if not any(path.exists() for path in DICTIONARIES):
        return "no FIX44.xml of QuickFIX was found"
    return None


def build(source: Path = SOURCE) -> Path:
    """Compile an engine unless that was done since its source changed; return the program."""
    program = REPOSITORY / "build" / "interop" / source.stem
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        fresh = program.with_suffix(".new")
        command = ["g++", "-std=c++14", "-O1", "-Wno-deprecated", "-Wno-deprecated-declarations"]
        subprocess.run([*command, "-o", fresh, source, "-lquickfix", "-pthread"], check=True)
        fresh.replace(program)
    return program


@attrs.frozen
class Event:
    """One line of the engine; `fields` are those of a message, of a repeated one the last."""

    kind: str
    text: str
    fields: dict[int, str]

    @property
    def msg_type(self) -> str:
        """MsgType(35), empty where this is no message."""
        return self.fields.get(35, "")

    def has(self, wanted: Mapping[int, object]) -> bool:
        """Are all these fields there with these values."""
        return all(self.fields.get(tag) == str(value) for tag, value in wanted.items())


def event_of(line: str) -> Event:
    """Return the event that the engine printed."""
    content = json.loads(line)
    pairs = [field.partition("=") for field in content["text"].split("|") if "=" in field]
    is_message = content["kind"] in {"in", "out"}
    fields = {int(tag): value for tag, _, value in pairs} if is_message else {}
    return Event(content["kind"], content["text"], fields)


def transact_time() -> str:
    """Return the time now as TransactTime(60) has it."""
    return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]


class QuickFixEngine:
    """One session of a third-party engine, connected whenever the gateway lets it."""

    def __init__(
        self, folder: Path, comp_id: str, port: int, dictionary: Path | None = None
    ) -> None:
        """Start the engine; its store is in `folder`, its dictionary a stock one unless named."""
        home = folder / comp_id
        home.mkdir()
        dictionary = dictionary or next(path for path in DICTIONARIES if path.exists())
        settings = _SETTINGS.format(
            store=home / "store", dictionary=dictionary, comp_id=comp_id, port=port
        )
        (home / "settings").write_text(settings)
        self._begin(comp_id, home / "settings", {})

    def _begin(self, comp_id: str, settings: Path, logon_fields: Mapping[int, object]) -> None:
        """Start for the first time; the fields are added to each Logon(A)."""
        self.comp_id = comp_id
        self.events: list[Event] = []
        self._searched = 0
        self._home = settings.parent
        self._settings = settings
        added = "\t".join(f"{tag}={value}" for tag, value in logon_fields.items())
        self._environment = os.environ | {"TZ": "UTC"} | ({"LOGON_FIELDS": added} if added else {})
        self._start()

    def _start(self) -> None:
        with (self._home / "stderr").open("a") as errors:
            self._process = subprocess.Popen(
                [build(), self._settings],
                cwd=self._home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self._environment,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input = self._process.stdin
        self._lines = LineReader(self._process.stdout)

    def say(self, *words: str) -> None:
        """Give the engine one command."""
        self._input.write("\t".join(words) + "\n")
        self._input.flush()

    @property
    def connections(self) -> int:
        """How often it was logged on."""
        return sum(event.kind == "logon" for event in self.events)

    def send(self, msg_type: str, fields: Mapping[int, object]) -> None:
        """Send a message, with TransactTime(60) of now where FIX 4.4 has it."""
        if msg_type not in {"H", "Q", "AF", "1"}:
            fields = {**fields, 60: transact_time()}
        self.say("send", msg_type, *(f"{tag}={value}" for tag, value in fields.items()))

    def wait(self, kind: str, fields: Mapping[int, object] | None = None) -> Event:
        """Return the next event like this after the last one waited for; AssertionError."""
        deadline = time.monotonic() + WAIT_S
        while True:
            while self._searched < len(self.events):
                event = self.events[self._searched]
                self._searched += 1
                if event.kind == kind and event.has(fields or {}):
                    return event
            try:
                line = self._lines.next_line(deadline - time.monotonic())
            except TimeoutError:
                line = None
            assert line is not None, self._story(kind, fields)
            self.events.append(event_of(line))

    def close(self) -> None:
        """End the engine and read what it still has to say; TimeoutExpired, and then it is killed.

        It may have ended before.
        """
        with contextlib.suppress(BrokenPipeError):
            self._input.close()  # the end of its input ends the engine
        try:
            self._process.wait(ENDED_WITHIN_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the engine in the middle of whatever it does, and read what it had said."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        while (line := self._lines.next_line()) is not None:
            self.events.append(event_of(line))
        self._lines.join()

    def start_again(self, next_in: int | None = None) -> None:
        """Start an ended engine with the store as it was; `next_in` is what it expects then."""
        if next_in is not None:
            (numbers,) = (self._home / "store").glob("*.seqnums")
            next_out = numbers.read_text().partition(":")[0].strip()
            numbers.write_text(f"{next_out} : {next_in:010d}")
        self._searched = len(self.events)
        self._start()

    def received(self, *msg_types: str) -> list[Event]:
        """Return the messages of these types that came in, in order."""
        return [e for e in self.events if e.kind == "in" and e.msg_type in msg_types]

    def _story(self, kind: str, fields: Mapping[int, object] | None) -> str:
        told = "\n".join(f"{event.kind:9}{event.text}" for event in self.events[-30:])
        return f"{self.comp_id} waited for {kind} {fields}; the last events:\n{told}"


class HandedOutEngine(QuickFixEngine):
    """An engine with the settings that a counterparty was sent, as they are."""

    def __init__(self, comp_id: str, settings: Path, logon_fields: Mapping[int, object]) -> None:
        """Start it in the folder of the settings; its application adds the credentials."""
        self._begin(comp_id, settings, logon_fields)
