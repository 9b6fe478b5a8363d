"""Renders the tables of the rules of engagement: dialects, reject codes, fields, values."""

from collections.abc import Iterator

from kk99fix.fix.dictionary import Dictionary, DictionaryError, Field
from kk99fix.fix.markdown import label, link, table, title, values_anchor


def tables(dictionary: Dictionary) -> Iterator[str]:
    """The chapters, paragraph by paragraph."""
    yield from _dialects(dictionary)
    yield from _reject_codes(dictionary)
    yield from _fields(dictionary)
    yield from _values(dictionary)


def _dialects(dictionary: Dictionary) -> Iterator[str]:
    for dialect, fields in dictionary.dialect_fields.items():
        messages = dictionary.dialect_messages[dialect]
        yield f"## Fields of dialect {dialect}"
        yield dictionary.dialect_about[dialect]
        yield "They are sent to sessions of this dialect only, and nobody has to send them."
        rows = []
        for field in fields.values():
            if not field.about:
                raise DictionaryError(f"{field.name}: has a use and no `about`")
            within = [
                link(title(dictionary.messages[key]))
                for key, names in messages.items()
                if field.name in names
            ]
            rows.append((field.tag, field.name, field.datatype, ", ".join(within), field.about))
        yield table(("tag", "field", "type", "in", "what it is"), rows)


def _reject_codes(dictionary: Dictionary) -> Iterator[str]:
    yield "## Reject codes"
    yield (
        "Text(58) of every refusal, and of every cancel by the venue, begins with a code:\n\n"
        "```\nCODE; limit=L; value=V; headroom=H; sentence\n```\n\n"
        "`limit` is what was met, `value` what the request would have come to, `headroom` how much "
        "a request could have had; each is there where it says something, always in this order.\n"
        "Codes and their numbers are never given another meaning; new ones may come."
    )
    yield table(
        ("number", "code", "OrdRejReason(103)", "CxlRejReason(102)", "sentence"),
        [
            (c.number, f"`{c.name}`", c.ord_rej_reason, c.cxl_rej_reason, c.sentence)
            for c in dictionary.reject_codes
        ],
    )


def _fields(dictionary: Dictionary) -> Iterator[str]:
    yield "## Fields by tag"
    own = [field for fields in dictionary.dialect_fields.values() for field in fields.values()]
    where = _where(dictionary)
    yield table(
        ("tag", "field", "type", "in", "what it is"),
        [
            (
                field.tag,
                field.name,
                field.datatype,
                ", ".join(where[field.name]),
                field.about or _fate(dictionary, field),
            )
            for field in sorted((*dictionary.fields.values(), *own), key=lambda f: f.tag)
        ],
    )


def _fate(dictionary: Dictionary, field: Field) -> str:
    if field.name in dictionary.gate["instruction"]:
        return "Refused with `UNSUPPORTED_INSTRUCTION`."
    return "Taken as FIX 4.4 has it, checked for its format, not used."


def _where(dictionary: Dictionary) -> dict[str, list[str]]:
    """MsgTypes that have a field, by its name."""
    parts = [("header", dictionary.header), ("trailer", dictionary.trailer)]
    parts += [(message.msg_type, message) for message in dictionary.messages.values()]
    where: dict[str, list[str]] = {}
    for name, part in parts:
        groups = [member for group in part.groups for member in _all_members(dictionary, group)]
        for field in dict.fromkeys((*part.fields, *groups)):
            where.setdefault(field, []).append(name)
    for messages in dictionary.dialect_messages.values():
        for msg_type, names in messages.items():
            for field in names:
                where.setdefault(field, []).append(msg_type)
    return where


def _all_members(dictionary: Dictionary, name: str) -> Iterator[str]:
    group = dictionary.groups[name]
    yield from (name, *group.members)
    for inner in group.groups:
        yield from _all_members(dictionary, inner)


def _values(dictionary: Dictionary) -> Iterator[str]:
    yield "## Values"
    yield (
        "All values that FIX 4.4 lists are taken as valid; another one is a Reject(3) with "
        "SessionRejectReason(373)=5.\n"
        "What the venue does not trade of them is refused as an order, with a reject code."
    )
    for field in sorted(dictionary.fields.values(), key=lambda f: f.tag):
        if field.enum:
            pairs = zip(field.enum, field.enum_names, strict=True)
            text = " · ".join(f"`{value}` {name}" for value, name in pairs)
            yield f'<a id="{values_anchor(field)}"></a>**{label(field)}**: {text}'
