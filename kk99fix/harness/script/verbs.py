"""The verbs of a script: how each is written, and how its words become an action.

`OF_SCRIPT` begin a line, `OF_PARTY` follow the name of a party.
A parser gets the words behind the verb and raises `WrongError`, whose text says what was found;
`parse` adds where, and how the verb is written.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from kk99fix.harness.conditions import Is, number
from kk99fix.harness.counterparty import ANY
from kk99fix.harness.script import steps
from kk99fix.harness.script.lines import Word
from kk99fix.harness.script.values import NAME, is_generated
from kk99fix.harness.vocabulary import FieldWords, UnknownWordError, vocabulary

_TERM: Final = re.compile(r"(!?[A-Za-z0-9_]+)(->|!=|>=|<=|=|>|<)")
_OPTION: Final = re.compile(r"([a-z_]+)(=)")
_VARIABLE: Final = re.compile(r"\$\{[^{}]*\}")
_SIGNS: Final = ("==", "!=", "<", "<=", ">", ">=", "~")
_PARTY_OPTIONS: Final = (
    *("sender", "target", "heartbeat", "username", "password", "totp_seed", "signing_key"),
    *("host", "port"),
)
#: How a party may log on.
LOGON_FLAGS: Final = ("reset", "next-expected")

Words = Sequence[Word]


class WrongError(ValueError):
    """The words behind a verb are wrong; the text says what was found."""


@attrs.frozen
class Verb:
    """One verb: how it is written, and what makes its action."""

    usage: str
    parse: Callable[[Words], steps.Action]


# ---------------------------------------------------------------------------- words


def _text(words: Words) -> str:
    return " ".join(word.plain for word in words)


def _one(words: Words, what: str) -> str:
    if len(words) != 1:
        raise WrongError(f"one {what} is wanted, and there are {len(words)} words")
    return words[0].plain


def _name(word: Word) -> str:
    name = word.plain
    if not NAME.fullmatch(name):
        raise WrongError(f"{name!r} is no name: letters, digits, _ and . are")
    if is_generated(name):
        raise WrongError(f"${{{name}}} has a meaning of its own; take another name")
    return name


def _options(words: Words, known: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        parts = word.split(_OPTION)
        if parts is None or parts[0] not in known:
            # What stands behind the sign may be a secret.
            name = word.plain.partition("=")[0]
            raise WrongError(f"{name!r} is none of {', '.join(f'{each}=' for each in known)}")
        if parts[0] in found:
            raise WrongError(f"{parts[0]}= stands there twice")
        found[parts[0]] = parts[2]
    return found


def _flags(words: Words, known: Sequence[str]) -> tuple[set[str], list[Word]]:
    """Return the flags that stand there, and the other words."""
    flags = {word.text for word in words if word.text in known}
    return flags, [word for word in words if word.text not in known]


def _seconds(text: str) -> str:
    if "${" not in text:
        found = number(text)
        if found is None or found < 0:
            raise WrongError(f"{text!r} is no number of seconds")
    return text


def _within(words: Words) -> tuple[str, list[Word]]:
    """Return the value of `within=`, empty without one, and the other words."""
    mine = [word for word in words if word.text.startswith("within=")]
    rest = [word for word in words if not word.text.startswith("within=")]
    if len(mine) > 1:
        raise WrongError("within= stands there twice")
    return (_seconds(mine[0].plain.partition("=")[2]) if mine else ""), rest


# ---------------------------------------------------------------------------- fields


def _sent_terms(words: Words) -> tuple[steps.Term, ...]:
    return tuple(_sent_term(word) for word in words)


def _sent_term(word: Word) -> steps.Term:
    if word.text.startswith("!") and word.split(_TERM) is None:
        return steps.Term(_field(word.plain[1:]), Is.ABSENT)
    parts = word.split(_TERM)
    if parts is None or parts[1] != "=" or parts[0].startswith("!"):
        raise WrongError(f"{word.text!r} is no field with a value, as in Symbol=AAPL or 55=AAPL")
    return _valued(_field(parts[0]), Is.EQUAL, parts[2], literal=parts[3])


def _expected_term(word: Word) -> steps.Term:
    parts = word.split(_TERM)
    if parts is None:
        name = word.plain
        absent = name.startswith("!")
        return steps.Term(_field(name.lstrip("!")), Is.ABSENT if absent else Is.THERE)
    name, sign, value, literal = parts
    if name.startswith("!"):
        raise WrongError(f"{word.text!r}: a field that has to be absent has no value, as in !Text")
    field = _field(name)
    if sign == "->":
        return steps.Term(field, Is.THERE, captured=_name(Word(value or field.name or name)))
    if not value and not literal:
        raise WrongError(f"{word.text!r} has no value; {name} alone is any value, !{name} is none")
    if sign == "=" and value == "*" and not literal:
        return steps.Term(field, Is.THERE)
    return _valued(field, Is(sign), value, literal=literal)


def _valued(field: FieldWords, comparison: Is, value: str, *, literal: bool) -> steps.Term:
    """Return a term whose words of FIX are words of this field."""
    words = [] if literal or "${" in value else value.split("|")
    for word in words:
        try:
            field.code(word)
        except UnknownWordError as error:
            raise WrongError(str(error)) from error
    return steps.Term(field, comparison, value, literal)


def _field(word: str) -> FieldWords:
    try:
        return vocabulary().field(word)
    except UnknownWordError as error:
        raise WrongError(str(error)) from error


def _msg_type(words: Words, *, may_be_any: bool = False) -> str:
    if not words:
        raise WrongError("the message is missing")
    word = words[0].plain.removeprefix("35=")
    if may_be_any and word == ANY:
        return ANY
    try:
        return vocabulary().msg_type(word)
    except UnknownWordError as error:
        raise WrongError(str(error)) from error


# ---------------------------------------------------------------------------- parsers


def _default(words: Words) -> steps.Action:
    if len(words) < 2:
        raise WrongError("a name and a value are wanted")
    return steps.Default(_name(words[0]), _text(words[1:]))


def _set(words: Words) -> steps.Action:
    if len(words) < 2:
        raise WrongError("a name and a value are wanted")
    return steps.Assign(_name(words[0]), _text(words[1:]))


def _party(words: Words) -> steps.Action:
    if not words:
        raise WrongError("the name is missing")
    flags, rest = _flags(words[1:], ("raw", "kk99"))
    options = _options(rest, _PARTY_OPTIONS)
    for needed in ("sender", "target"):
        if needed not in options:
            raise WrongError(f"{needed}= is missing: what the party puts into its messages")
    return steps.DeclareParty(_name(words[0]), options, "raw" in flags, "kk99" in flags)


def _compare(words: Words) -> steps.Action:
    if len(words) != 3 or words[1].text not in _SIGNS:
        raise WrongError(f"two values with one of {' '.join(_SIGNS)} between them are wanted")
    return steps.Compare(words[0].plain, words[1].text, words[2].plain)


def _connect(words: Words) -> steps.Action:
    if words:
        raise WrongError(f"{words[0].text!r} is not expected")
    return steps.Connect()


def _logon(words: Words) -> steps.Action:
    how = [word for word in words if word.text in LOGON_FLAGS or _VARIABLE.fullmatch(word.text)]
    terms = _sent_terms([word for word in words if word not in how])
    return steps.Logon(tuple(word.plain for word in how), terms)


def _send(words: Words) -> steps.Action:
    return steps.Send(_msg_type(words), _sent_terms(words[1:]))


def _bytes(words: Words) -> steps.Action:
    return steps.SendBytes(_one(words, "text in quotes"))


def _expect(words: Words) -> steps.Action:
    within, rest = _within(words)
    if rest and rest[0].text in {"nothing", "closed"}:
        if rest[1:]:
            raise WrongError(f"{rest[1].text!r} is not expected behind {rest[0].text}")
        kind = steps.ExpectNothing if rest[0].text == "nothing" else steps.ExpectClosed
        return kind(within)
    msg_type = _msg_type(rest, may_be_any=True)
    return steps.Expect(msg_type, tuple(map(_expected_term, rest[1:])), within, passing_over=False)


def _find(words: Words) -> steps.Action:
    within, rest = _within(words)
    msg_type = _msg_type(rest, may_be_any=True)
    return steps.Expect(msg_type, tuple(map(_expected_term, rest[1:])), within, passing_over=True)


def _drop(words: Words) -> steps.Action:
    flags, rest = _flags(words, ("reset",))
    if rest:
        raise WrongError(f"{rest[0].text!r} is not expected")
    return steps.Drop("reset" in flags)


def _numbers(words: Words) -> steps.Action:
    options = _options(words, ("in", "out"))
    if not options:
        raise WrongError("in= or out= is wanted")
    return steps.Numbers(options)


OF_SCRIPT: Final[dict[str, Verb]] = {
    "default": Verb("default NAME VALUE", _default),
    "set": Verb("set NAME VALUE", _set),
    "party": Verb(
        "party NAME sender=COMPID target=COMPID [heartbeat=30] [username=...] [password=...] "
        "[totp_seed=...] [signing_key=...] [host=...] [port=...] [raw] [kk99]",
        _party,
    ),
    "within": Verb("within SECONDS", lambda words: steps.Within(_seconds(_one(words, "number")))),
    "wait": Verb("wait SECONDS", lambda words: steps.Wait(_seconds(_one(words, "number")))),
    "note": Verb("note TEXT", lambda words: steps.Note(_text(words))),
    "assert": Verb("assert VALUE ==|!=|<|<=|>|>=|~ VALUE", _compare),
}

OF_PARTY: Final[dict[str, Verb]] = {
    "connect": Verb("PARTY connect", _connect),
    "logon": Verb("PARTY logon [reset] [next-expected] [FIELD=VALUE ...]", _logon),
    "send": Verb("PARTY send MESSAGE FIELD=VALUE ...", _send),
    "bytes": Verb('PARTY bytes "8=FIX.4.4|9=*|35=0|...|10=*|"', _bytes),
    "expect": Verb(
        "PARTY expect MESSAGE [FIELD=VALUE] [FIELD] [!FIELD] [FIELD->NAME] [within=SECONDS], or "
        "PARTY expect nothing|closed [within=SECONDS]",
        _expect,
    ),
    "find": Verb("PARTY find MESSAGE [FIELD=VALUE ...] [within=SECONDS]", _find),
    "numbers": Verb("PARTY numbers [in=N] [out=N]", _numbers),
    "logout": Verb("PARTY logout [TEXT]", lambda words: steps.Logout(_text(words))),
    "drop": Verb("PARTY drop [reset]", _drop),
}
