"""Renders the chapter of the rules of engagement that has a section for each message."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from kk99fix.fix.dictionary import Dictionary, DictionaryError, Field, Group, MessageType
from kk99fix.fix.example_day import Line
from kk99fix.fix.markdown import label, link, table, title, values_anchor

_DIRECTIONS: Final = {
    "in": "From the counterparty to the venue.",
    "out": "From the venue to the counterparty.",
    "both": "Both ways.",
}
#: Messages that the gate decodes, so that `[gate]` says what becomes of their fields.
_GATED: Final = ("D", "F", "G", "H")


def messages(dictionary: Dictionary, day: Sequence[Line]) -> Iterator[str]:
    """The chapter, paragraph by paragraph."""
    yield "## Messages"
    yield (
        "Every message begins with the header and ends with the trailer.\n"
        "A field is `required`, `conditional` (without it a BusinessMessageReject(j) with "
        "BusinessRejectReason(380)=5 answers, without a required one a Reject(3) with "
        "SessionRejectReason(373)=1) or `optional`; behind the colon stands when it is there or "
        "what it has to be. Members of a group are marked by `↳`.\n"
        "A field that is not in the table of its message is rejected with "
        "SessionRejectReason(373)=2, one that is in none with 3."
    )
    yield table(
        ("MsgType(35)", "message", "way"),
        [
            (f"`{message.msg_type}`", link(title(message)), _DIRECTIONS[message.direction])
            for message in dictionary.messages.values()
        ],
    )
    yield "### Header"
    yield from _message(dictionary, dictionary.header)
    yield "### Trailer"
    yield from _message(dictionary, dictionary.trailer)
    for message in dictionary.messages.values():
        yield f"### {title(message)}"
        yield _DIRECTIONS[message.direction]
        yield from _message(dictionary, message)
        yield from _examples(day, message)


def _message(dictionary: Dictionary, message: MessageType) -> Iterator[str]:
    if not message.about:
        raise DictionaryError(f"{message.name}: without `about`")
    yield message.about
    used, refused, idle = _sorted_out(dictionary, message)
    yield table(
        ("tag", "field", "type", "when", "what it is"),
        _rows(dictionary, message, used),
    )
    if refused:
        names = ", ".join(label(dictionary.fields[name]) for name in refused)
        yield f"Refused with `UNSUPPORTED_INSTRUCTION`, since they change what is traded: {names}."
    if idle:
        names = ", ".join(_with_members(dictionary, name) for name in idle)
        yield f"Taken, checked for their format and not used: {names}."


def _sorted_out(
    dictionary: Dictionary, message: MessageType
) -> tuple[list[str], list[str], list[str]]:
    """Fields and groups that have a use here, that are refused, and that are not looked at."""
    used, refused, idle = [], [], []
    gate = dictionary.gate if message.msg_type in _GATED else {}
    whole = not message.msg_type or message.direction == "out"  # header, trailer, what we send
    acted_on = {*gate.get("interpret", ()), *gate.get("echo", ()), *message.when}
    needed = {*message.required, *(name for names in message.conditional for name in names)}
    for name in dict.fromkeys((*message.fields, *message.groups)):
        if name in gate.get("instruction", ()) and name not in message.required:
            refused.append(name)
        elif whole or name in needed or name in acted_on:
            used.append(name)
        else:
            idle.append(name)
    return used, refused, idle


def _with_members(dictionary: Dictionary, name: str) -> str:
    named = label(dictionary.fields[name])
    if name not in dictionary.groups:
        return named
    group = dictionary.groups[name]
    members = (*group.members, *group.groups)
    return f"{named} with {' and '.join(label(dictionary.fields[m]) for m in members)}"


def _rows(
    dictionary: Dictionary, message: MessageType, used: Iterable[str]
) -> Iterator[tuple[object, ...]]:
    for name in used:
        field = dictionary.fields[name]
        yield _row(field, *_presence(dictionary, message, name))
        if name in dictionary.groups:
            yield from _group_rows(dictionary, dictionary.groups[name], "↳ ")


def _group_rows(dictionary: Dictionary, group: Group, indent: str) -> Iterator[tuple[object, ...]]:
    for position, name in enumerate(group.members):
        presence = "first of each entry" if position == 0 else "optional"
        yield _row(dictionary.fields[name], presence, "", indent)
    for name in group.groups:
        yield _row(dictionary.fields[name], "optional", "", indent)
        yield from _group_rows(dictionary, dictionary.groups[name], f"{indent}↳ ")


def _presence(dictionary: Dictionary, message: MessageType, name: str) -> tuple[str, str]:
    """Whether a field has to be there, and what holds for it in this message."""
    when = message.when.get(name, "")
    if not when and message.direction == "out" and name in dictionary.gate["echo"]:
        when = "as the order has it"
    if name in message.required:
        return "required", when
    if when.startswith("always"):
        return when, ""
    for names in message.conditional:
        if name in names:
            if message.direction == "out":  # whatever we send is complete
                return "required", when
            others = ", ".join(label(dictionary.fields[o]) for o in names if o != name)
            said = message.when.get("|".join(names), "") if len(names) > 1 else ""
            return "conditional", "; ".join(
                text for text in (when, f"this or {others}" if others else "", said) if text
            )
    return "optional", when


def _row(field: Field, presence: str, when: str, indent: str = "") -> tuple[object, ...]:
    if not field.about:
        raise DictionaryError(f"{field.name}: has a use and no `about`")
    datatype = (
        field.datatype if not field.enum else f"{field.datatype}, [values](#{values_anchor(field)})"
    )
    held = f"{presence}: {when}" if when else presence
    return f"{indent}{field.tag}", field.name, datatype, held, field.about


def _examples(day: Sequence[Line], message: MessageType) -> Iterator[str]:
    shown = [line for line in day if line.caption and line.msg_type == message.msg_type]
    if not shown:
        raise DictionaryError(f"{message.name}: without an example")
    for line in shown:
        yield f"{line.caption}\n\n```\n{line.text}\n```"
