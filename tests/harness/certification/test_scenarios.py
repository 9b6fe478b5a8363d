"""The scenarios fit the functions that a session file may name, and say what they wait for."""

import re

import pytest
from support.config_folder import REPOSITORY

from kk99fix.config.certification import FUNCTIONS
from kk99fix.fix import tables
from kk99fix.harness.certification import scenarios
from kk99fix.harness.certification.scenarios import Pattern

CHOSEN = {"symbol", "price", "quantity", "half"}


def test_every_function_has_a_scenario() -> None:
    """What a session file may name can be examined, and nothing else is there."""
    assert scenarios.read().keys() == {name for names in FUNCTIONS.values() for name in names}


def test_the_documentation_has_every_function() -> None:
    """Its table names each function with the role that it is for."""
    text = (REPOSITORY / "docs/certification.md").read_text()
    rows = dict(
        re.findall(r"^\| `([a-z-]+)` \| (order-entry|drop-copy|both) \|", text, re.MULTILINE)
    )
    expected = {}
    for role, names in FUNCTIONS.items():
        for name in names:
            expected[name] = "both" if name in expected else role

    assert rows == expected


def test_steps_name_only_what_is_known() -> None:
    """A variable is chosen by the command or kept by this step or an earlier one."""
    for function in scenarios.read().values():
        known = set(CHOSEN)
        for step in function.steps:
            sent = [] if step.send is None else [*step.send.fields.values()]
            texts = [step.ask, *(each for values in sent for each in values)]
            assert set(re.findall(r"\$\{(\w+)\}", " ".join(texts))) <= known | step.keep.keys()
            known |= step.keep.keys()
            for pattern in step.expect:
                text = " ".join(each for values in pattern.fields.values() for each in values)
                assert set(re.findall(r"\$\{(\w+)\}", text)) <= known


def test_patterns_are_of_fields_that_their_message_has() -> None:
    """No scenario waits for what cannot come."""
    for function in scenarios.read().values():
        for step in function.steps:
            for pattern in (step.send, *step.expect):
                if pattern is not None:
                    rule = tables.MESSAGES[pattern.msg_type.encode()]
                    allowed = rule.fields | tables.HEADER.fields
                    assert pattern.fields.keys() <= allowed, function.name


@pytest.mark.parametrize(
    ("wanted", "found", "fits"),
    [
        (("100",), "100.00", True),
        (("100",), "10", False),
        (("100",), "", False),
        (("100",), "abc", False),
    ],
)
def test_numbers_are_compared_as_numbers(wanted: tuple[str, ...], found: str, fits: bool) -> None:
    """However a quantity is written, it counts."""
    assert (Pattern({38: wanted}).differences({38: found}) == []) is fits


@pytest.mark.parametrize(
    ("wanted", "found", "fits"),
    [
        (("0", ""), "", True),
        (("0", ""), "0", True),
        (("0", ""), "1", False),
        (("IOC_REMAINDER;*",), "IOC_REMAINDER; it went", True),
        (("IOC_REMAINDER;*",), "FOK_NOT_FILLED; it went", False),
        (("*",), "", False),
        (("",), "x", False),
    ],
)
def test_alternatives_and_any_text(wanted: tuple[str, ...], found: str, fits: bool) -> None:
    """A value, one of several, any text, or nothing at all."""
    assert (Pattern({58: wanted}).differences({58: found}) == []) is fits


def test_what_a_counterparty_sent_stands_for_itself() -> None:
    """A ClOrdID(11) with a star in it is no wildcard."""
    pattern = Pattern({11: ("${order}",)}).filled({"order": "A*|[1]"})

    assert pattern.differences({11: "A*|[1]"}) == []
    assert pattern.differences({11: "AB|1"}) != []
