"""Outcomes as JUnit XML, as CI servers read it: one test case for each.

What was not as expected is a `failure`, what could not be run an `error`; the transcript is the
case's standard output. Characters that XML cannot hold are written as `?`.
"""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from kk99fix.harness.script.outcome import Outcome, Verdict

SUITE: Final = "kk99fix harness"
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]")


def junit_xml(outcomes: Sequence[Outcome]) -> bytes:
    """Return the document."""
    suite = ET.Element(
        "testsuite",
        name=SUITE,
        tests=str(len(outcomes)),
        failures=str(sum(each.verdict is Verdict.FAILED for each in outcomes)),
        errors=str(sum(each.verdict is Verdict.ERROR for each in outcomes)),
        time=f"{sum(each.seconds for each in outcomes):.3f}",
    )
    for outcome in outcomes:
        _add(suite, outcome)
    ET.indent(suite)
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add(suite: ET.Element, outcome: Outcome) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=SUITE, name=outcome.name, time=f"{outcome.seconds:.3f}"
    )
    if not outcome.passed:
        kind = "failure" if outcome.verdict is Verdict.FAILED else "error"
        complaint = _text(outcome.complaint)
        told = ET.SubElement(case, kind, message=complaint.partition("\n")[0])
        told.text = complaint
    ET.SubElement(case, "system-out").text = _text(outcome.transcript.text)


def _text(text: str) -> str:
    return _NOT_XML.sub("?", text)
