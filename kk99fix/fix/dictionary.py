"""The message dictionary as values: reads and checks `dictionary.toml`.

Only the generator and the tests read the file; everything else uses the generated `tables`.
A contradiction inside the file (an unknown name, a tag used twice) raises DictionaryError.
"""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Final

import attrs

TOML_PATH: Final = Path(__file__).with_name("dictionary.toml")

#: Keys, at any depth, that are for people alone.
WORDS: Final = frozenset({"about", "when"})

DATATYPES: Final = (
    "STRING",
    "CHAR",
    "INT",
    "SEQNUM",
    "LENGTH",
    "NUMINGROUP",
    "QTY",
    "PRICE",
    "FLOAT",
    "AMT",
    "PERCENTAGE",
    "BOOLEAN",
    "CURRENCY",
    "EXCHANGE",
    "COUNTRY",
    "UTCTIMESTAMP",
    "LOCALMKTDATE",
    "MONTHYEAR",
    "MULTIPLEVALUESTRING",
    "DATA",
)


class DictionaryError(Exception):
    """`dictionary.toml` contradicts itself."""


@attrs.frozen
class Field:
    """One field: its tag, its FIX 4.4 datatype, and the values FIX lists with their names."""

    name: str
    tag: int
    datatype: str
    enum: tuple[str, ...]
    enum_names: tuple[str, ...]
    length_of: str | None
    about: str = ""


@attrs.frozen
class Group:
    """A repeating group: named by its NoXxx field; the first member starts each entry."""

    name: str
    members: tuple[str, ...]
    groups: tuple[str, ...]


@attrs.frozen
class MessageType:
    """One message; `conditional` holds alternatives, one of each must be there."""

    msg_type: str
    name: str
    direction: str
    required: tuple[str, ...]
    conditional: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...]
    groups: tuple[str, ...]
    about: str
    #: What holds for a field in this message, for people.
    when: dict[str, str]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of the body outside of groups, each once."""
        alternatives = (name for names in self.conditional for name in names)
        return tuple(dict.fromkeys((*self.required, *alternatives, *self.optional)))


@attrs.frozen
class RejectCode:
    """A cause of a refusal or of an unsolicited cancel, with its FIX reason numbers."""

    name: str
    number: int
    ord_rej_reason: int
    cxl_rej_reason: int
    sentence: str


@attrs.frozen
class Dictionary:
    """The whole of `dictionary.toml`."""

    digest: str
    begin_string: str
    header: MessageType
    trailer: MessageType
    messages: dict[str, MessageType]
    fields: dict[str, Field]
    groups: dict[str, Group]
    gate: dict[str, tuple[str, ...]]
    dialect_fields: dict[str, dict[str, Field]]
    dialect_messages: dict[str, dict[str, tuple[str, ...]]]
    dialect_about: dict[str, str]
    reject_codes: tuple[RejectCode, ...]


def load(path: Path = TOML_PATH) -> Dictionary:
    """Read and check the dictionary; DictionaryError names what contradicts what."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    components: dict[str, Any] = document["component"]
    dictionary = Dictionary(
        digest=_digest(document),
        begin_string=document["begin_string"],
        header=_message("", document["header"], components),
        trailer=_message("", document["trailer"], components),
        messages={
            key: _message(key, value, components) for key, value in document["message"].items()
        },
        fields={key: _field(key, value) for key, value in document["field"].items()},
        groups={
            key: Group(key, tuple(value["members"]), tuple(value.get("groups", ())))
            for key, value in document["group"].items()
        },
        gate={key: tuple(value) for key, value in document["gate"].items()},
        dialect_fields={
            key: {name: _field(name, field) for name, field in value["field"].items()}
            for key, value in document["dialect"].items()
        },
        dialect_messages={
            key: {msg_type: tuple(names) for msg_type, names in value["message"].items()}
            for key, value in document["dialect"].items()
        },
        dialect_about={key: value["about"] for key, value in document["dialect"].items()},
        reject_codes=tuple(RejectCode(**row) for row in document["reject_code"]),
    )
    _check(dictionary)
    return dictionary


def _digest(document: dict[str, Any]) -> str:
    """SHA-256 of what the gateway does by; what people read of it may change under a journal."""
    facts = json.dumps(_without_words(document), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(facts.encode()).hexdigest()


def _without_words(value: Any) -> Any:  # noqa: ANN401 - whatever TOML has
    if isinstance(value, list):
        return [_without_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: sorted(item) if key == "enum" else _without_words(item)
        for key, item in value.items()
        if key not in WORDS
    }


def _field(name: str, value: dict[str, Any]) -> Field:
    enum = value.get("enum", {})
    return Field(
        name=name,
        tag=value["tag"],
        datatype=value["type"],
        enum=tuple(enum),
        enum_names=tuple(enum.values()),
        length_of=value.get("length_of"),
        about=value.get("about", ""),
    )


def _message(msg_type: str, value: dict[str, Any], components: dict[str, Any]) -> MessageType:
    optional = list(value.get("optional", ()))
    groups = list(value.get("groups", ()))
    for component in value.get("components", ()):
        optional += components[component].get("optional", ())
        groups += components[component].get("groups", ())
    required = tuple(value.get("required", ()))
    conditional = tuple(tuple(names.split("|")) for names in value.get("conditional", ()))
    placed = {*required, *(name for names in conditional for name in names)}
    return MessageType(
        msg_type=msg_type,
        name=value.get("name", ""),
        direction=value.get("direction", "both"),
        required=required,
        conditional=conditional,
        optional=tuple(name for name in dict.fromkeys(optional) if name not in placed),
        groups=tuple(groups),
        about=value.get("about", ""),
        when=value.get("when", {}),
    )


def _check(dictionary: Dictionary) -> None:
    fields = dictionary.fields
    tags = [field.tag for field in fields.values()]
    numbers = [code.number for code in dictionary.reject_codes]
    if len(set(tags)) != len(tags):
        raise DictionaryError("a tag is used twice")
    if numbers != list(range(1, len(numbers) + 1)):
        raise DictionaryError("reject code numbers must run from 1 without a hole")
    for field in fields.values():
        if field.datatype not in DATATYPES:
            raise DictionaryError(f"{field.name}: unknown type {field.datatype}")
    _check_names(dictionary)


def _check_names(dictionary: Dictionary) -> None:
    named: list[str] = [name for names in dictionary.gate.values() for name in names]
    for message in (dictionary.header, dictionary.trailer, *dictionary.messages.values()):
        named += message.fields
        for group in message.groups:
            named += _group_names(dictionary, group)
    named += [field.length_of for field in dictionary.fields.values() if field.length_of]
    unknown = sorted({name for name in named if name not in dictionary.fields})
    unused = sorted({name for name in dictionary.fields if name not in named})
    if unknown or unused:
        raise DictionaryError(f"names without a field: {unknown}; fields without a use: {unused}")
    for message in (dictionary.header, dictionary.trailer, *dictionary.messages.values()):
        strange = message.when.keys() - {
            *message.fields,
            *message.groups,
            *map("|".join, message.conditional),
        }
        if strange:
            raise DictionaryError(f"{message.name}: `when` of what it lacks: {sorted(strange)}")


def _group_names(dictionary: Dictionary, name: str) -> list[str]:
    if name not in dictionary.groups:
        raise DictionaryError(f"unknown group {name}")
    group = dictionary.groups[name]
    nested = [member for inner in group.groups for member in _group_names(dictionary, inner)]
    return [name, *group.members, *nested]
