"""Holds our dictionary against the FIX 4.4 dictionary in QuickFIX's format."""

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs
import pytest

from kk99fix.fix import tables
from kk99fix.fix.schema import MessageRule

REPOSITORY = Path(__file__).resolve().parents[2]

#: Other spellings of the reference for the datatypes of FIX 4.4.
DATATYPES = {"AMT": "AMT", "PRICEOFFSET": "FLOAT"}

#: Open lists: FIX 4.4 leaves values of TargetStrategy(847) from 1000 up to its users.
OPEN_LISTS = {847}


@attrs.frozen
class ReferenceMessage:
    """One message of the reference: tags of the body, required ones, groups with their members."""

    fields: set[int]
    required: set[int]
    groups: dict[int, list[int]]


@attrs.define
class Reference:
    """The reference dictionary, with its components spread out."""

    root: ET.Element
    tags: dict[str, int] = attrs.field(factory=dict)
    types: dict[int, str] = attrs.field(factory=dict)
    names: dict[int, str] = attrs.field(factory=dict)
    enums: dict[int, set[bytes]] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Read the fields."""
        for field in self.root.iterfind("fields/field"):
            tag = int(field.attrib["number"])
            self.tags[field.attrib["name"]] = tag
            self.names[tag] = field.attrib["name"]
            self.types[tag] = field.attrib["type"]
            self.enums[tag] = {value.attrib["enum"].encode() for value in field.iterfind("value")}

    def message(self, element: ET.Element) -> ReferenceMessage:
        """Spread out a message, the header or the trailer."""
        result = ReferenceMessage(set(), set(), {})
        self._add(element, result, required=True)
        return result

    def _add(self, element: ET.Element, result: ReferenceMessage, *, required: bool) -> None:
        for child in element:
            needed = required and child.attrib["required"] == "Y"
            if child.tag == "component":
                self._add(self._component(child), result, required=needed)
                continue
            tag = self.tags[child.attrib["name"]]
            result.fields.add(tag)
            if needed:
                result.required.add(tag)
            if child.tag == "group":
                result.groups[tag] = self._members(child, result)

    def _members(self, group: ET.Element, result: ReferenceMessage) -> list[int]:
        members: list[int] = []
        for child in group:
            if child.tag == "component":
                members += self._members(self._component(child), result)
                continue
            members.append(self.tags[child.attrib["name"]])
            if child.tag == "group":
                result.groups[members[-1]] = self._members(child, result)
        return members

    def _component(self, use: ET.Element) -> ET.Element:
        found = self.root.find(f"components/component[@name='{use.attrib['name']}']")
        assert found is not None
        return found


@pytest.fixture(scope="module")
def reference() -> Reference:
    """The reference, from KK99_FIX44_XML or from the folder beside the checkout."""
    named = os.environ.get("KK99_FIX44_XML")
    path = Path(named) if named else REPOSITORY.parent / "shared/reference/FIX44.xml"
    if not path.is_file() and not os.environ.get("KK99_CI"):
        pytest.skip("the FIX 4.4 dictionary is not beside the checkout: set KK99_FIX44_XML")
    return Reference(ET.parse(path).getroot())  # noqa: S314 - a file of our own


def test_fields_are_those_of_fix44(reference: Reference) -> None:
    """Every field has the name, the datatype and the values that FIX 4.4 gives its tag."""
    for tag, rule in tables.FIELDS.items():
        assert rule.name == reference.names[tag]
        datatype = reference.types[tag]
        assert rule.datatype == DATATYPES.get(datatype, datatype), rule.name
        if rule.enum and reference.enums[tag]:
            assert rule.enum <= reference.enums[tag], rule.name


def test_no_value_of_fix44_is_refused(reference: Reference) -> None:
    """Where we list values, we list all that FIX 4.4 allows."""
    for tag, rule in tables.FIELDS.items():
        if rule.enum:
            assert rule.enum >= reference.enums[tag], rule.name


def test_values_fix44_lists_are_listed(reference: Reference) -> None:
    """A field with values in FIX 4.4 has values here, but for flags and open lists."""
    for tag, rule in tables.FIELDS.items():
        if reference.enums[tag] and rule.datatype != "BOOLEAN" and tag not in OPEN_LISTS:
            assert rule.enum, rule.name


def test_messages_are_within_fix44(reference: Reference) -> None:
    """Name, fields, required fields and groups of each message are those of FIX 4.4."""
    for msg_type, rule in tables.MESSAGES.items():
        element = reference.root.find(f"messages/message[@msgtype='{msg_type.decode()}']")
        assert element is not None
        assert rule.name == element.attrib["name"]
        _hold_against(rule, reference.message(element))


def test_header_and_trailer_are_fix44(reference: Reference) -> None:
    """Header and trailer have exactly the fields of FIX 4.4."""
    for rule, name in ((tables.HEADER, "header"), (tables.TRAILER, "trailer")):
        element = reference.root.find(name)
        assert element is not None
        message = reference.message(element)
        _hold_against(rule, message)
        assert rule.fields == message.fields


def _hold_against(rule: MessageRule, message: ReferenceMessage) -> None:
    assert rule.fields <= message.fields, rule.name
    assert set(rule.required) == message.required, rule.name
    assert rule.groups == rule.fields & message.groups.keys(), rule.name
    assert {tag for tags in rule.conditional for tag in tags} <= rule.fields
    for count_tag in rule.groups:
        _hold_group(count_tag, message)


def _hold_group(count_tag: int, message: ReferenceMessage) -> None:
    """Our members keep the order of the reference, starting with the same one."""
    ours = tables.GROUPS[count_tag].members
    theirs = message.groups[count_tag]
    assert ours[0] == theirs[0]
    assert list(ours) == [tag for tag in theirs if tag in ours]
    for tag in ours:
        if tag in tables.GROUPS:
            _hold_group(tag, message)


def test_orders_take_all_that_institutions_send() -> None:
    """D, F and G know the plain fields of institutions: parties, identifiers, capacities."""
    plain = {1, 15, 21, 22, 48, 207, 453, 526, 528, 529, 582, 583, 58, 167}

    assert plain <= tables.MESSAGES[b"D"].fields
    assert plain <= tables.MESSAGES[b"G"].fields
    assert {1, 22, 48, 207, 453, 526, 583, 58, 167} <= tables.MESSAGES[b"F"].fields


def test_own_tags_are_user_defined() -> None:
    """The tags of dialect kk99 lie in the range that FIX leaves to its users."""
    assert all(20000 <= tag <= 39999 for tag in tables.KK99_FIELDS)
    assert not tables.KK99_FIELDS.keys() & tables.FIELDS.keys()
