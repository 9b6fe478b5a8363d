"""One run of a certification: what is asked for next, and what becomes of what comes.

It is told what was seen of the session, message by message, and what time it is; it answers with
lines for the person who drives the counterparty's engine, and in the end with results.

Rules kept here:

- What was asked for and did not come as asked is a mistake: it is said exactly, kept for the
  report, and asked for again, so often and no more; then the function is not passed.
- An engine that rejects a message of the venue cannot do the function: that is the end of it.
- Messages that keep a session going (heartbeats, gap fills) and what is sent again are passed over.
- A step that nobody takes within its time is the end of the function, not of the run.
"""

from typing import Final

from attrs import Factory, define, field, frozen

from kk99fix.fix import tables
from kk99fix.harness.certification.scenarios import Difference, Function, Pattern, Step, filled

#: Application messages, and those that a scenario may ask for beside them.
_TOLD: Final = frozenset({"D", "F", "G", "H", "AF", "Q"})
_REJECTS: Final = frozenset({"3", "j"})


@frozen
class Seen:
    """A message of the session as the journal has it: `from_venue` or to it."""

    from_venue: bool
    fields: dict[int, str]
    #: The whole message, `|` for SOH, secrets masked.
    text: str

    @property
    def msg_type(self) -> str:
        """MsgType(35)."""
        return self.fields.get(35, "")


@define
class StepResult:
    """What became of one step: what was asked for, all that was seen, and every mistake."""

    ask: str
    seen: list[Seen] = Factory(list)
    mistakes: list[str] = Factory(list)
    passed: bool = False


@define
class FunctionResult:
    """What became of one function; `reason` says why it was not passed."""

    name: str
    title: str
    steps: list[StepResult] = Factory(list)
    passed: bool = False
    reason: str = ""


@frozen
class Patience:
    """How long and how often something is waited for."""

    #: For a message that a person has to send.
    step_s: float = 300.0
    #: For the venue's answer to it.
    answer_s: float = 10.0
    #: Mistakes of one step after which the function is not passed.
    mistakes_max: int = 3


@define
class Examination:
    """The run; see the top of this module."""

    _functions: list[Function]
    _variables: dict[str, str]
    _patience: Patience = field(factory=Patience)
    results: list[FunctionResult] = field(init=False, factory=list)
    _kept: dict[str, str] = field(init=False, factory=dict)
    #: Answers of the venue that have still to come; None while the counterparty's turn lasts.
    _outstanding: list[Pattern] | None = field(init=False, default=None)
    _due_s: float = field(init=False, default=0.0)

    @property
    def done(self) -> bool:
        """Whether nothing is left to be asked for."""
        return len(self.results) == len(self._functions) and self._over

    @property
    def passed(self) -> list[str]:
        """Names of the functions that were passed."""
        return [result.name for result in self.results if result.passed]

    def begin(self, now_s: float) -> list[str]:
        """Ask for the first thing."""
        return self._next_function(now_s)

    def see(self, seen: Seen, now_s: float) -> list[str]:
        """Take a message of the session."""
        if self.done or seen.fields.get(43) == "Y":
            return []
        if not seen.from_venue and seen.msg_type in _REJECTS:
            self._result.seen.append(seen)
            text = seen.fields.get(58, "without a text")
            what = f"the counterparty's engine rejected a message of the venue: {text}"
            return self._end_function(what, now_s)
        if self._outstanding is None:
            return [] if seen.from_venue else self._take_sent(seen, now_s)
        return self._take_answer(seen, now_s) if seen.from_venue else []

    def tick(self, now_s: float) -> list[str]:
        """Let time pass."""
        if self.done or now_s < self._due_s:
            return []
        if self._outstanding is None or self._step.send is None:
            return self._end_function(
                f"nothing came within {self._patience.step_s:.0f} seconds", now_s
            )
        missing = "; ".join(_described(pattern) for pattern in self._outstanding)
        return self._mistake(f"the venue's answer did not come: {missing}", now_s)

    def give_up(self, reason: str) -> None:
        """End the run here; what was not reached is not passed."""
        if not self._over:
            self.results[-1].reason = reason
        for function in self._functions[len(self.results) :]:
            self.results.append(FunctionResult(function.name, function.title, reason=reason))

    # ------------------------------------------------------------------ inside

    @property
    def _over(self) -> bool:
        """Whether the newest function has its result."""
        return not self.results or self.results[-1].passed or bool(self.results[-1].reason)

    @property
    def _function(self) -> Function:
        return self._functions[len(self.results) - 1]

    @property
    def _result(self) -> StepResult:
        return self.results[-1].steps[-1]

    @property
    def _step(self) -> Step:
        return self._function.steps[len(self.results[-1].steps) - 1]

    def _take_sent(self, seen: Seen, now_s: float) -> list[str]:
        """The counterparty's turn."""
        wanted = self._step.send
        assert wanted is not None
        wanted = wanted.filled(self._all)
        if seen.msg_type not in _TOLD and seen.msg_type != wanted.msg_type:
            return []
        self._result.seen.append(seen)
        differences = wanted.differences(seen.fields)
        if differences:
            return self._mistake("; ".join(map(_wrong, differences)), now_s)
        self._kept |= {name: seen.fields.get(tag, "") for name, tag in self._step.keep.items()}
        return ["seen", *self._wait_for_answers(now_s)]

    def _wait_for_answers(self, now_s: float) -> list[str]:
        self._outstanding = [pattern.filled(self._all) for pattern in self._step.expect]
        human = self._step.send is None
        self._due_s = now_s + (self._patience.step_s if human else self._patience.answer_s)
        return [] if self._outstanding else self._pass_step(now_s)

    def _take_answer(self, seen: Seen, now_s: float) -> list[str]:
        """The venue's turn."""
        assert self._outstanding is not None
        for pattern in self._outstanding:
            if not pattern.differences(seen.fields):
                self._outstanding.remove(pattern)
                self._result.seen.append(seen)
                lines = [f"answered: {_described(pattern)}"]
                return lines if self._outstanding else [*lines, *self._pass_step(now_s)]
        refused = seen.msg_type in _REJECTS or seen.fields.get(150) == "8" or seen.msg_type == "9"
        if self._step.send is not None and refused:
            self._result.seen.append(seen)
            return self._mistake(f"the venue refused it: {seen.fields.get(58, '')}", now_s)
        return []

    def _mistake(self, text: str, now_s: float) -> list[str]:
        self._outstanding = None
        self._result.mistakes.append(text)
        left = self._patience.mistakes_max - len(self._result.mistakes)
        if left <= 0:
            return [f"not what was asked for: {text}", *self._end_function(text, now_s)]
        self._due_s = now_s + self._patience.step_s
        return [f"not what was asked for: {text}", f"once more: {self._result.ask}"]

    def _pass_step(self, now_s: float) -> list[str]:
        self._result.passed = True
        if len(self.results[-1].steps) < len(self._function.steps):
            return self._next_step(now_s)
        self.results[-1].passed = True
        return [f"{self._function.name}: passed", *self._next_function(now_s)]

    def _end_function(self, reason: str, now_s: float) -> list[str]:
        self.results[-1].reason = reason
        line = f"{self._function.name}: NOT passed: {reason}"
        return [line, *self._next_function(now_s)]

    def _next_function(self, now_s: float) -> list[str]:
        if len(self.results) == len(self._functions):
            return []
        function = self._functions[len(self.results)]
        self.results.append(FunctionResult(function.name, function.title))
        self._kept = {}
        return [f"{function.title} ({function.name})", *self._next_step(now_s)]

    def _next_step(self, now_s: float) -> list[str]:
        step = self._function.steps[len(self.results[-1].steps)]
        self.results[-1].steps.append(StepResult(filled(step.ask, self._all)))
        self._outstanding = None
        self._due_s = now_s + self._patience.step_s
        if step.send is None:
            self._wait_for_answers(now_s)
        return [f"> {self._result.ask}"]

    @property
    def _all(self) -> dict[str, str]:
        return self._variables | self._kept


def _wrong(difference: Difference) -> str:
    named = f"{tables.FIELDS[difference.tag].name}({difference.tag})"
    wanted = " or ".join(each or "absent" for each in difference.wanted)
    return f"{named} is {difference.found or 'absent'}, asked for was {wanted}"


def _described(pattern: Pattern) -> str:
    name = tables.MESSAGES[pattern.msg_type.encode()].name
    rest = ", ".join(
        f"{tables.FIELDS[tag].name}({tag})={' or '.join(each or 'absent' for each in values)}"
        for tag, values in pattern.fields.items()
        if tag != 35
    )
    return f"{name}({pattern.msg_type})" + (f" with {rest}" if rest else "")
