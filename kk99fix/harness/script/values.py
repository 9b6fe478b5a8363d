"""What `${...}` stands for.

${NAME}  ${NAME+0.05}   a variable: from the command line, `default`, `set` or a capture;
                        with a sum, as a number
${ClOrdID:first}        an id that no other run has, the same wherever `first` stands
${ClOrdID}              a new id in what is sent; elsewhere the newest one of that party
${now}  ${now-121}  ${now:6}   the time, seconds from now, with 0, 3, 6 or 9 decimals
${today}                the date, YYYYMMDD
${env:NAME}             an environment variable; never shown
"""

import os
import re
from collections.abc import Callable
from decimal import DecimalException
from typing import Final

import attrs

from kk99fix.fix.values import format_utc_timestamp
from kk99fix.harness.conditions import number
from kk99fix.harness.ids import Ids
from kk99fix.harness.secrecy import Secrets

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
#: Ids that a counterparty makes.
GENERATED: Final = ("ClOrdID", "MassStatusReqID", "TestReqID")
_EXPRESSION: Final = re.compile(r"\$\{([^{}]*)\}")
_VARIABLE: Final = re.compile(rf"({NAME.pattern})(?:([+-])(\d+(?:\.\d+)?))?")
_NOW: Final = re.compile(r"now(?:([+-])(\d+(?:\.\d+)?))?(?::([0369]))?")
_ID: Final = re.compile(rf"({'|'.join(GENERATED)})(?::(\w+))?")
_ENVIRONMENT: Final = re.compile(r"env:(\w+)")
_NS_PER_S: Final = 1_000_000_000


class NoValueError(ValueError):
    """An expression has no value; the text says what would give it one."""


@attrs.define
class Values:
    """Everything that `${...}` may stand for in one run."""

    ids: Ids
    now_ns: Callable[[], int]
    secrets: Secrets
    variables: dict[str, str] = attrs.field(factory=dict)
    _labelled: dict[str, str] = attrs.field(factory=dict, init=False)
    _newest: dict[tuple[str, str], str] = attrs.field(factory=dict, init=False)

    def fill(self, text: str, who: str = "", *, sent: bool = False) -> str:
        """Fill a text in, for a party, in what is sent or elsewhere; raises NoValueError."""
        return _EXPRESSION.sub(lambda match: self._value(match[1], who, sent=sent), text)

    def _value(self, expression: str, who: str, *, sent: bool) -> str:
        if (match := _ID.fullmatch(expression)) is not None:
            return self._id(match[1], match[2], who, sent=sent)
        if (match := _NOW.fullmatch(expression)) is not None:
            offset_ns = round(float((match[1] or "") + (match[2] or "0")) * _NS_PER_S)
            return self._moment(expression, self.now_ns() + offset_ns, int(match[3] or 3))
        if expression == "today":
            return format_utc_timestamp(self.now_ns()).decode()[:8]
        if (match := _ENVIRONMENT.fullmatch(expression)) is not None:
            return self._environment(match[1])
        match = _VARIABLE.fullmatch(expression)
        if match is None:
            raise NoValueError(wrong(expression))
        return self._sum(match[1], (match[2] or "") + (match[3] or ""))

    def _moment(self, expression: str, moment_ns: int, decimals: int) -> str:
        try:
            return format_utc_timestamp(moment_ns, decimals).decode()
        except (ValueError, OverflowError) as error:
            raise NoValueError(f"${{{expression}}} is no moment of the years 1 to 9999") from error

    def _id(self, kind: str, name: str | None, who: str, *, sent: bool) -> str:
        if name is not None:
            found = self._labelled.get(name) or self._labelled.setdefault(name, self.ids.new())
            self._newest[who, kind] = found
            return found
        if sent:
            self._newest[who, kind] = self.ids.new()
        if (who, kind) not in self._newest:
            raise NoValueError(f"${{{kind}}}: {who or 'this line'} has sent no {kind} so far")
        return self._newest[who, kind]

    def _environment(self, name: str) -> str:
        value = os.environ.get(name)
        if value is None:
            raise NoValueError(f"${{env:{name}}}: the environment has no {name}; export it first")
        self.secrets.keep(value)
        return value

    def _sum(self, name: str, offset: str) -> str:
        if name not in self.variables:
            raise NoValueError(
                f"${{{name}}} has no value; give it one by --set {name}=..., or in the script by "
                f"`default {name} ...`, `set {name} ...` or a capture `{name}->`"
            )
        value = self.variables[name]
        if not offset:
            return value
        left, right = number(value), number(offset)
        if left is None or right is None:
            raise NoValueError(f"${{{name}{offset}}}: {name} is {value!r}, which is no number")
        try:
            return f"{left + right:f}"
        except DecimalException as error:
            raise NoValueError(
                f"${{{name}{offset}}}: {value!r} is too large to count with"
            ) from error


def wrong(expression: str) -> str:
    """Say what would be right instead of an expression that means nothing."""
    return (
        f"${{{expression}}} means nothing; right are ${{NAME}}, ${{NAME+0.05}}, ${{ClOrdID}}, "
        "${ClOrdID:first}, ${now}, ${now-121}, ${now:6}, ${today} and ${env:NAME}"
    )


def variables_in(text: str) -> list[str]:
    """Return the variables that a text needs; raises NoValueError for what means nothing."""
    found = []
    for expression in _EXPRESSION.findall(text):
        known = (_ID, _NOW, _ENVIRONMENT)
        if expression == "today" or any(each.fullmatch(expression) for each in known):
            continue
        match = _VARIABLE.fullmatch(expression)
        if match is None:
            raise NoValueError(wrong(expression))
        found.append(match[1])
    if "${" in _EXPRESSION.sub("", text):
        raise NoValueError("a ${ is opened and not closed by }")
    return found


def is_pattern(text: str) -> bool:
    """Whether a text has wildcards or alternatives of its own, what is filled in apart."""
    return any(sign in _EXPRESSION.sub("", text) for sign in "*?|")


def is_generated(name: str) -> bool:
    """Whether a name is one of the generators', so that no variable may have it."""
    return name in GENERATED or name in {"now", "today"}
