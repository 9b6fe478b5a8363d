"""Renders the data dictionaries that counterparties load into QuickFIX, one for each dialect.

QuickFIX's format: header, messages, trailer, fields; groups are written out where they are used.
A dictionary has what the venue takes and sends and nothing else; the messages of a dialect differ
from those of FIX 4.4 only by the dialect's own fields.

A counterparty's engine holds what it receives against the dictionary. So a field is `required`
where every message of the venue has it, which is also where the venue insists on it.
"""

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import quoteattr

from kk99fix.fix.dictionary import Dictionary, Field, Group, MessageType

#: Every dialect that a session file may name.
DIALECTS: Final = ("fix44", "kk99")

#: Messages of the session layer.
_ADMINISTRATIVE: Final = frozenset("012345A")


def file_name(dialect: str) -> str:
    """Name under which the dictionary of a dialect is handed out."""
    return "KK99-FIX44.xml" if dialect == "fix44" else f"KK99-FIX44-{dialect}.xml"


def data_dictionary(dictionary: Dictionary, dialect: str) -> str:
    """The data dictionary of a dialect, as QuickFIX reads it."""
    assert dialect in DIALECTS, dialect
    own_fields = dictionary.dialect_fields.get(dialect, {})
    own_messages = dictionary.dialect_messages.get(dialect, {})
    lines = [
        "<?xml version='1.0' encoding='UTF-8'?>",
        f"<!-- KK99, FIX 4.4, dialect {dialect}: what the venue takes and sends. -->",
        "<fix type='FIX' major='4' minor='4' servicepack='0'>",
        *_part(dictionary, "header", dictionary.header),
        " <messages>",
    ]
    for message in dictionary.messages.values():
        category = "admin" if message.msg_type in _ADMINISTRATIVE else "app"
        lines.append(
            f"  <message name='{message.name}' msgtype='{message.msg_type}' msgcat='{category}'>"
        )
        lines += _members(dictionary, message, "   ")
        lines += [_use(name, "   ") for name in own_messages.get(message.msg_type, ())]
        lines.append("  </message>")
    lines += [
        " </messages>",
        *_part(dictionary, "trailer", dictionary.trailer),
        " <components/>",
        " <fields>",
    ]
    fields = sorted((*dictionary.fields.values(), *own_fields.values()), key=lambda row: row.tag)
    for field in fields:
        lines += _field(field)
    lines += [" </fields>", "</fix>"]
    return "\n".join(lines) + "\n"


def _part(dictionary: Dictionary, name: str, part: MessageType) -> list[str]:
    return [f" <{name}>", *_members(dictionary, part, "  "), f" </{name}>"]


def _members(dictionary: Dictionary, message: MessageType, indent: str) -> Iterator[str]:
    """Fields first, then groups; a condition with one field is met by every message."""
    required = {*message.required, *(names[0] for names in message.conditional if len(names) == 1)}
    for name in message.fields:
        if name not in message.groups:
            yield _use(name, indent, required=name in required)
    for name in message.groups:
        yield from _group(dictionary, dictionary.groups[name], indent, required=name in required)


def _group(
    dictionary: Dictionary, group: Group, indent: str, *, required: bool = False
) -> Iterator[str]:
    yield f"{indent}<group name='{group.name}' required='{_flag(required)}'>"
    yield from (_use(name, f"{indent} ") for name in group.members)
    for name in group.groups:
        yield from _group(dictionary, dictionary.groups[name], f"{indent} ")
    yield f"{indent}</group>"


def _use(name: str, indent: str, *, required: bool = False) -> str:
    return f"{indent}<field name='{name}' required='{_flag(required)}'/>"


def _field(field: Field) -> Iterator[str]:
    opening = f"  <field number='{field.tag}' name='{field.name}' type='{field.datatype}'"
    if not field.enum:
        yield f"{opening}/>"
        return
    yield f"{opening}>"
    for value, name in zip(field.enum, field.enum_names, strict=True):
        yield f"   <value enum={quoteattr(value)} description='{name}'/>"
    yield "  </field>"


def _flag(required: bool) -> str:
    return "Y" if required else "N"
