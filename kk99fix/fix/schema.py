"""The shapes of the generated tables: what `tables` is made of."""

import attrs


@attrs.frozen
class FieldRule:
    """A field: its name, its FIX 4.4 datatype, and the values FIX lists for it (empty: any)."""

    name: str
    datatype: str
    enum: frozenset[bytes] = frozenset()


@attrs.frozen
class GroupRule:
    """A repeating group: the tags of an entry in their order, nested counts included."""

    count_tag: int
    members: tuple[int, ...]

    @property
    def delimiter(self) -> int:
        """The tag that starts each entry."""
        return self.members[0]


@attrs.frozen
class MessageRule:
    """A message: tags of its body; of each tuple in `conditional` one tag must be there."""

    name: str
    direction: str
    required: tuple[int, ...]
    conditional: tuple[tuple[int, ...], ...]
    fields: frozenset[int]
    groups: frozenset[int]


@attrs.frozen
class RejectCode:
    """A cause of a refusal or an unsolicited cancel, as Text(58), 20001, 103 and 102 carry it."""

    name: str
    number: int
    ord_rej_reason: int
    cxl_rej_reason: int
    sentence: str
