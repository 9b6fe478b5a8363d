"""Pieces of Markdown that the pages made from the dictionary share."""

import re
from collections.abc import Iterable, Sequence

from kk99fix.fix.dictionary import Field, MessageType


def link(heading: str) -> str:
    """A link to a heading of the same page, as GitHub names it."""
    anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    return f"[{heading}](#{anchor})"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with these headings."""
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*head, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def label(field: Field) -> str:
    """A field as texts name it: `OrderQty(38)`."""
    return f"{field.name}({field.tag})"


def title(message: MessageType) -> str:
    """A message as texts name it: `NewOrderSingle(D)`."""
    return f"{message.name}({message.msg_type})"


def values_anchor(field: Field) -> str:
    """Name of the place that lists a field's values."""
    return f"{field.name.lower()}{field.tag}"
