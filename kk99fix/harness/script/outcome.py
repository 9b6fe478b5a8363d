"""What came of a script."""

import enum
from collections.abc import Sequence
from typing import Any

import attrs

from kk99fix.harness.transcript import Transcript


class Verdict(enum.StrEnum):
    """How a script, or a scenario of the misbehaving peer, ended."""

    PASSED = "passed"
    #: The other side did something else than was expected.
    FAILED = "failed"
    #: It could not be run: nobody listens, or a value is missing.
    ERROR = "error"


@attrs.frozen
class Outcome:
    """One run of a script; `where` is the line that did not hold, `text` what happened there."""

    name: str
    title: str
    verdict: Verdict
    seconds: float
    transcript: Transcript = attrs.field(repr=False)
    steps_done: int = 0
    where: str = ""
    statement: str = ""
    text: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return self.verdict is Verdict.PASSED

    @property
    def complaint(self) -> str:
        """Where it failed and why, for people; empty if it passed."""
        if self.passed:
            return ""
        head = f"{self.where}: {self.statement}" if self.where else self.name
        return f"{head}\n{self.text}"

    def json(self) -> dict[str, Any]:
        """Return everything for a program."""
        return {
            "name": self.name,
            "title": self.title,
            "verdict": self.verdict.value,
            "seconds": round(self.seconds, 3),
            "steps": self.steps_done,
            "complaint": self.complaint,
            "transcript": [self.transcript.json(entry) for entry in self.transcript.entries],
        }


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return 0 if all passed, 1 if one failed, 2 if one could not be run."""
    verdicts = {outcome.verdict for outcome in outcomes}
    if Verdict.ERROR in verdicts:
        return 2
    return int(Verdict.FAILED in verdicts)
