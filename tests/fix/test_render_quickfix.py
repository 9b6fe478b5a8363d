"""What the data dictionaries for QuickFIX say, against the tables that the venue itself uses."""

from typing import Final
from xml.etree import ElementTree as ET

import pytest

from kk99fix.fix import dictionary, tables
from kk99fix.fix.render_quickfix import DIALECTS, data_dictionary
from kk99fix.fix.schema import MessageRule

DICTIONARY: Final = dictionary.load()


def root_of(dialect: str) -> ET.Element:
    """The data dictionary of a dialect."""
    return ET.fromstring(data_dictionary(DICTIONARY, dialect))  # noqa: S314 - we made it


def body(element: ET.Element) -> list[str]:
    """Names of all fields and groups of one level."""
    return [child.attrib["name"] for child in element]


def names(tags: frozenset[int]) -> set[str]:
    """Names of fields of FIX 4.4."""
    return {tables.FIELDS[tag].name for tag in tags}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_message_is_whole(dialect: str) -> None:
    """Each message has the fields of its rule, each once, and what is required is marked."""
    own = {"kk99": tables.KK99_MESSAGES}.get(dialect, {})
    parts: list[tuple[MessageRule, ET.Element | None]] = [
        (tables.HEADER, root_of(dialect).find("header")),
        (tables.TRAILER, root_of(dialect).find("trailer")),
    ]
    elements = {e.attrib["msgtype"].encode(): e for e in root_of(dialect).iterfind("messages/*")}
    assert elements.keys() == tables.MESSAGES.keys()
    parts += [(rule, elements[msg_type]) for msg_type, rule in tables.MESSAGES.items()]
    added = {tables.MESSAGES[key].name: tags for key, tags in own.items()}

    for rule, element in parts:
        assert element is not None
        ours = {tables.KK99_FIELDS[tag].name for tag in added.get(rule.name, ())}
        assert sorted(body(element)) == sorted(names(rule.fields) | ours), rule.name
        required = {child.attrib["name"] for child in element if child.attrib["required"] == "Y"}
        alone = {tags[0] for tags in rule.conditional if len(tags) == 1}
        assert required == names(frozenset({*rule.required, *alone})), rule.name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_group_keeps_the_order_of_its_members(dialect: str) -> None:
    """A group is written out where it is used, first member first, groups within it included."""
    for element in root_of(dialect).iter("group"):
        tag = next(
            tag for tag, rule in tables.FIELDS.items() if rule.name == element.attrib["name"]
        )
        members = [tables.FIELDS[member].name for member in tables.GROUPS[tag].members]
        assert body(element) == members


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_field_that_is_used_is_described(dialect: str) -> None:
    """Tags, types and values are those of the tables; what nothing uses is not there."""
    root = root_of(dialect)
    own = {"kk99": tables.KK99_FIELDS}.get(dialect, {})
    described = {int(e.attrib["number"]): e for e in root.iterfind("fields/field")}
    used = {e.attrib["name"] for part in root if part.tag != "fields" for e in part.iter()
            if e.tag in {"field", "group"}}  # fmt: skip

    assert {e.attrib["name"] for e in described.values()} == used
    for tag, rule in (tables.FIELDS | own).items():
        element = described[tag]
        assert (element.attrib["name"], element.attrib["type"]) == (rule.name, rule.datatype)
        values = [value.attrib for value in element.iterfind("value")]
        assert {value["enum"].encode() for value in values} == rule.enum
        meanings = [value["description"] for value in values]
        assert len(set(meanings)) == len(meanings), rule.name


def test_fix44_knows_nothing_of_our_own() -> None:
    """A counterparty of dialect fix44 gets FIX 4.4 names only."""
    fix44 = data_dictionary(DICTIONARY, "fix44")

    assert "KKReasonCode" not in fix44
    assert not [e for e in root_of("fix44").iter("field") if int(e.get("number", 0)) >= 5000]
