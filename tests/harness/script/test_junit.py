from xml.etree import ElementTree as ET

import pytest

from kk99fix.harness.script.junit import junit_xml
from kk99fix.harness.script.outcome import Outcome, Verdict, exit_code
from kk99fix.harness.transcript import Entry, Kind, Transcript


def outcome(verdict: Verdict) -> Outcome:
    """Return an outcome whose transcript has what XML cannot hold."""
    transcript = Transcript()
    transcript.add(Entry(0, Kind.NOTE, "A", "bell \a, <tag> & \ufffe"))
    return Outcome("n", "t", verdict, 1.5, transcript, 1, "f:1", "A drop", "<why>\x00\nmore")


def test_what_a_server_reads() -> None:
    """Failures and errors are counted apart; the document can be read whatever was said."""
    outcomes = [outcome(verdict) for verdict in Verdict]
    suite = ET.fromstring(junit_xml(outcomes))  # noqa: S314 - our own text
    failure, error = suite.find("testcase/failure"), suite.find("testcase/error")

    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert suite.get("time") == "4.500"
    assert failure is not None
    assert error is not None
    assert failure.get("message") == "f:1: A drop"
    assert failure.text == "f:1: A drop\n<why>?\nmore"
    assert "bell ?, <tag> & ?" in (suite.findtext("testcase/system-out") or "")


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [([], 0), (["passed"], 0), (["passed", "failed"], 1), (["failed", "error"], 2)],
)
def test_exit_codes(verdicts: list[str], code: int) -> None:
    """An error of ours is worse than a failure of the other side."""
    assert exit_code([outcome(Verdict(each)) for each in verdicts]) == code
