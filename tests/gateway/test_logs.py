import errno
import io
import json

from support.frames import frame
from support.live_gateway import LogLines

from kk99fix.gateway import logs

CANARY = "hunter2"


def line_of(**values: object) -> dict[str, str]:
    """The line that a log makes of these values."""
    logged = LogLines()
    logged.log.info("something", **values)
    (line,) = logged.lines
    return line


def test_secrets_are_masked_by_their_key() -> None:
    """Whatever the value, a key that holds a secret shows stars."""
    values = dict.fromkeys(logs.SECRET_KEYS, "hunter2") | {"seed": b"JBSWY3DP"}
    line = line_of(session="BROKER1", **values)

    assert {line[key] for key in logs.SECRET_KEYS} == {"***"}
    assert line["session"] == "BROKER1"


def test_frames_are_printable_and_without_credentials() -> None:
    """Bytes are shown with | for SOH, escaped, with Password(554) masked."""
    logon = frame("A", "98=0|108=30|553=b1|554=hunter2|")

    text = line_of(frame=logon)["frame"]

    assert text.startswith("8=FIX.4.4|9=")
    assert "|553=b1|554=*******|" in text


def test_control_characters_are_escaped_and_length_is_capped() -> None:
    """Nothing that a counterparty sends reaches a terminal as it is."""
    text = line_of(frame=b"\x1b[31m\r\n\x00\xff" + b"x" * 10_000)["frame"]

    assert text.startswith(r"\x1b[31m\x0d\x0a\x00\xff")
    assert len(text) <= 512


def test_a_file_gets_json_a_level_and_utc() -> None:
    """Each line is one JSON object; lines below the level are left out."""
    stream = io.StringIO()
    log = logs.configure(stream, level="warning")
    log.info("left out")
    log.warning("kept", number=1)

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) | {"timestamp": ""} == {
        "event": "kept",
        "level": "warning",
        "number": 1,
        "timestamp": "",
    }
    assert json.loads(line)["timestamp"].endswith("Z")


def fail(password: str) -> None:
    """Raise with a credential among the local variables."""
    raise ValueError(len(password))


def log_a_fault(log: logs.Log) -> None:
    """Log an exception."""
    try:
        fail(CANARY)
    except ValueError:
        log.exception("fault", address="127.0.0.1")


def test_a_traceback_is_text_in_its_line() -> None:
    """An exception is one line too."""
    logged = LogLines()
    log_a_fault(logged.log)

    (line,) = logged.lines
    assert "ValueError: 7" in line["exception"]
    assert CANARY not in line["exception"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def test_a_terminal_gets_text_without_values_of_variables() -> None:
    """A traceback on a terminal shows no local variable, which may be a credential."""
    stream = Terminal()
    log = logs.configure(stream)

    log_a_fault(log)

    assert "ValueError: 7" in stream.getvalue()
    assert CANARY not in stream.getvalue()


class FullDisk(io.StringIO):
    """A stream that takes nothing."""

    def write(self, _text: str) -> int:
        """Fail as a full disk does."""
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        """Fail as a pipe does whose reader is gone."""
        raise BrokenPipeError


def test_a_line_that_cannot_be_written_stops_nothing() -> None:
    """Trading goes on without a log."""
    stream = FullDisk()
    log = logs.configure(stream)
    log.info("lost")
    stream.close()
    log.error("lost too")
