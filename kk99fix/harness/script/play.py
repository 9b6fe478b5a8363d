"""Plays a script: each step is one call of a `Scenario` or a `Counterparty`.

The first step that does not hold ends it; the transcript has everything up to there.
"""

from collections.abc import Mapping
from typing import Final

import attrs
import trio

from kk99fix.harness.conditions import Condition, Is, nth_value, number
from kk99fix.harness.counterparty import Counterparty, StepFailedError, UnreachableError
from kk99fix.harness.frames import text_frame
from kk99fix.harness.scenario import Scenario
from kk99fix.harness.script import steps
from kk99fix.harness.script.credentials import BadValueError, identity_of, whole
from kk99fix.harness.script.outcome import Outcome, Verdict
from kk99fix.harness.script.steps import Script, Step, Term
from kk99fix.harness.script.values import NoValueError, Values, is_pattern
from kk99fix.harness.script.verbs import LOGON_FLAGS
from kk99fix.harness.transcript import Kind
from kk99fix.harness.vocabulary import FieldWords, UnknownWordError

#: How long nothing has to come where the script does not say.
NOTHING_WITHIN_S: Final = "0.5"
#: What `assert` compares is no field.
_NO_FIELD: Final = FieldWords(0, "", number=True, meanings={})


async def play(script: Script, scenario: Scenario, given: Mapping[str, str]) -> Outcome:
    """Play a script on a scenario that nothing else uses; `given` are the command line's values."""
    began = trio.current_time()
    outcome = Outcome(script.name, script.title, Verdict.PASSED, 0.0, scenario.transcript)
    try:
        player = _Player(scenario, given)
    except NoValueError as error:
        return attrs.evolve(outcome, verdict=Verdict.ERROR, text=f"--set: {error}")
    done = 0
    async with scenario:
        for step in script.steps:
            try:
                await player.take(step)
            except (StepFailedError, NoValueError, BadValueError, UnknownWordError) as error:
                shown = scenario.transcript.secrets.text
                scenario.note(Kind.FAILED, step.who, f"{step.line.place}: {error}")
                outcome = attrs.evolve(
                    outcome,
                    verdict=_verdict(error),
                    where=str(step.line.place),
                    statement=shown(step.line.text),
                    text=shown(str(error)),
                )
                break
            done += 1
    return attrs.evolve(outcome, seconds=trio.current_time() - began, steps_done=done)


def _verdict(error: Exception) -> Verdict:
    if isinstance(error, StepFailedError) and not isinstance(error, UnreachableError):
        return Verdict.FAILED
    return Verdict.ERROR


class _Player:
    """What has to be remembered from one step to the next."""

    def __init__(self, scenario: Scenario, given: Mapping[str, str]) -> None:
        """Begin with the command line's values, in which the environment may be named."""
        self._scenario = scenario
        secrets = scenario.transcript.secrets
        self._values = values = Values(scenario.ids, scenario.now_ns, secrets)
        values.variables |= {"host": scenario.host, "port": str(scenario.port)}
        self._given = {name: values.fill(text) for name, text in given.items()}
        values.variables |= self._given

    async def take(self, step: Step) -> None:
        """Do what a step says."""
        if step.who:
            await self._take_of_party(step, self._scenario.counterparties[step.who])
            return
        match step.action:
            case steps.Default(name=name, value=value):
                if name not in self._given:
                    self._values.variables[name] = self._fill(value)
            case steps.Assign(name=name, value=value):
                self._values.variables[name] = self._fill(value)
            case steps.DeclareParty():
                self._declare(step.action)
            case steps.Within(seconds=seconds):
                self._scenario.within_s = self._seconds(seconds)
            case steps.Wait(seconds=seconds):
                await trio.sleep(self._seconds(seconds))
            case steps.Note(text=text):
                self._scenario.note(Kind.NOTE, "", self._fill(text))
            case steps.Compare():
                self._compare(step.action)

    async def _take_of_party(self, step: Step, party: Counterparty) -> None:
        match step.action:
            case steps.Connect():
                await party.connect()
            case steps.Logon():
                await self._log_on(step.action, party)
            case steps.Send(msg_type=msg_type, terms=terms):
                fields, left_out = self._fields(terms, step.who)
                await party.send(msg_type, *fields, left_out=left_out)
            case steps.SendBytes(text=text):
                filled = self._values.fill(text, step.who, sent=True)
                await party.send_bytes(text_frame(filled))
            case steps.Logout(text=text):
                await party.logout(self._fill(text))
            case steps.Drop(reset=reset):
                await party.drop(reset=reset)
            case steps.Numbers(options=options):
                self._set_numbers(party, options)
            case steps.Expect() | steps.ExpectNothing() | steps.ExpectClosed():
                await self._expect(step.action, party)

    # ------------------------------------------------------------------ actions

    def _declare(self, action: steps.DeclareParty) -> None:
        filled = {name: self._fill(text) for name, text in action.options.items()}
        options = {name: text for name, text in filled.items() if text}
        identity = identity_of(options, self._scenario.transcript.secrets, kk99=action.kk99)
        port = whole(options["port"], "port") if "port" in options else None
        address = (options.get("host"), port)
        self._scenario.counterparty(action.name, identity, raw=action.raw, address=address)

    async def _log_on(self, action: steps.Logon, party: Counterparty) -> None:
        how = {self._fill(text) for text in action.how} - {""}
        for flag in how - set(LOGON_FLAGS):
            raise BadValueError(f"{flag!r} is no way to log on: {' and '.join(LOGON_FLAGS)} are")
        fields, _ = self._fields(action.terms, party.name)
        await party.logon(*fields, reset="reset" in how, next_expected="next-expected" in how)

    async def _expect(
        self,
        action: steps.Expect | steps.ExpectNothing | steps.ExpectClosed,
        party: Counterparty,
    ) -> None:
        if isinstance(action, steps.ExpectNothing):
            await party.expect_nothing(self._seconds(action.within or NOTHING_WITHIN_S))
            return
        if isinstance(action, steps.ExpectClosed):
            await party.expect_closed(self._within(action.within))
            return
        wanted = [self._condition(term, party.name) for term in action.terms]
        verb = party.find if action.passing_over else party.expect
        message = await verb(action.msg_type, *wanted, within_s=self._within(action.within))
        for term in action.terms:
            if term.captured:
                value = nth_value(message, term.field.tag)
                self._values.variables[term.captured] = value or ""

    def _set_numbers(self, party: Counterparty, options: dict[str, str]) -> None:
        numbers = {name: whole(self._fill(text), name) for name, text in options.items()}
        party.ledger.next_in = numbers.get("in", party.ledger.next_in)
        party.ledger.next_out = numbers.get("out", party.ledger.next_out)

    def _compare(self, action: steps.Compare) -> None:
        left, right = self._fill(action.left), self._fill(action.right)
        if not _holds(left, action.sign, right):
            raise StepFailedError(f"{left!r} {action.sign} {right!r} does not hold")

    # ------------------------------------------------------------------ values

    def _fill(self, text: str) -> str:
        return self._values.fill(text)

    def _seconds(self, text: str) -> float:
        found = number(self._fill(text))
        if found is None or found < 0:
            raise BadValueError(f"{self._fill(text)!r} is no number of seconds")
        return float(found)

    def _within(self, text: str) -> float | None:
        return self._seconds(text) if text else None

    def _fields(
        self, terms: tuple[Term, ...], who: str
    ) -> tuple[list[tuple[int, bytes]], list[int]]:
        """Return the fields that are sent, and those that are left out."""
        fields, left_out = [], []
        for term in terms:
            if term.comparison is Is.ABSENT:
                left_out.append(term.field.tag)
                continue
            value = self._values.fill(term.value, who, sent=True)
            code = value if term.literal else term.field.code(value)
            fields.append((term.field.tag, code.encode()))
        return fields, left_out

    def _condition(self, term: Term, who: str) -> Condition:
        """Return what is expected; what was filled in is no wildcard by itself."""
        value = self._values.fill(term.value, who)
        if term.literal or is_pattern(term.value):
            return Condition(term.field, term.comparison, value, term.literal)
        return Condition(term.field, term.comparison, term.field.code(value), literal=True)


def _holds(left: str, sign: str, right: str) -> bool:
    if sign == "~":
        return Condition(_NO_FIELD, Is.EQUAL, right).holds(left)
    numbers = number(left), number(right)
    if sign in {"==", "!="}:
        same = left == right or (None not in numbers and numbers[0] == numbers[1])
        return same is (sign == "==")
    if numbers[0] is None or numbers[1] is None:
        raise BadValueError(f"{left!r} {sign} {right!r}: only numbers are smaller or greater")
    return Condition(_NO_FIELD, Is(sign), right).holds(left)
