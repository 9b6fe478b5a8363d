"""The rules of engagement have no holes, and say of sessions what the session layer keeps to."""

import re
from pathlib import Path

import attrs
import pytest

from kk99fix.fix import dictionary, example_day, generate, tables
from kk99fix.fix.render_engagement import PROSE_PATH, engagement
from kk99fix.session.rules import NS_PER_S, SessionRules

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/rules_of_engagement.md").read_text()
PROSE = PROSE_PATH.read_text()


def section(heading: str) -> str:
    """The text under a heading, up to the next one."""
    (text,) = re.findall(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=\n##|\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    return str(text)


def test_links_lead_somewhere() -> None:
    """Every link goes to a heading, an anchor or a file."""
    headings = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
    anchors |= set(re.findall(r'<a id="(.*?)">', PAGE))
    links = re.findall(r"\]\((.*?)\)", PAGE)

    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors, link
        else:
            assert (REPOSITORY / "docs" / link).is_file(), link


def test_every_message_names_each_of_its_fields() -> None:
    """A section of its own has every field of the message, members of groups included."""
    for msg_type, rule in tables.MESSAGES.items():
        text = section(f"{rule.name}({msg_type.decode()})")
        tags = set(rule.fields)
        for count in rule.groups:
            tags |= set(tables.GROUPS[count].members)
        for tag in tags:
            name = tables.FIELDS[tag].name
            row, listed = f"{tag} | {name} |", f"{name}({tag})"
            assert row in text or listed in text, (rule.name, name)


def test_every_field_value_and_code_is_there() -> None:
    """Fields, own fields, values and reject codes are listed, each with what it means."""
    for tag, rule in (tables.FIELDS | tables.KK99_FIELDS).items():
        (row,) = re.findall(rf"^\| {tag} \| (.*) \|$", section("Fields by tag"), re.MULTILINE)
        assert row.startswith(f"{rule.name} | {rule.datatype} | ")
        assert row.split(" | ")[-1].endswith(".")
    for tag, rule in tables.FIELDS.items():
        if rule.enum:
            (line,) = re.findall(rf"^.*\*\*{rule.name}\({tag}\)\*\*: (.*)$", PAGE, re.MULTILINE)
            values = re.findall(r"`([^`]+)` [A-Z0-9_]+", line)
            assert {value.encode() for value in values} == rule.enum
    for code in tables.REJECT_CODES.values():
        row = f"| {code.number} | `{code.name}` | {code.ord_rej_reason} | {code.cxl_rej_reason} |"
        assert f"{row} {code.sentence} |" in section("Reject codes")


def test_codes_in_the_prose_are_reject_codes() -> None:
    """Whatever the chapters name in capitals is a code of the venue."""
    words = set(re.findall(r"`([A-Z]+_[A-Z_]+|HALTED|THROTTLED)`", PROSE))

    assert words
    assert words <= tables.REJECT_CODES.keys()


def test_numbers_in_the_prose_are_those_of_the_session_layer() -> None:
    """Bounds and waits of a session are the ones that it is run with."""
    rules = SessionRules(sender_comp_id=b"BROKER1", target_comp_id=b"KK99")
    told = [
        f"{rules.heart_bt_int_min_s} to {rules.heart_bt_int_max_s} seconds",
        f"at most {rules.sending_time_tolerance_ns // NS_PER_S} seconds from venue time",
        f"up to {rules.early_messages_max} messages or {rules.early_bytes_max >> 20} MiB wait",
        "the same ResendRequest(2) more than three times in a row",
        "asked again after ten seconds, three times in all",
        "waits two seconds for that",
    ]

    assert (rules.same_resend_max, rules.resend_tries_max) == (3, 3)
    assert rules.resend_wait_ns == 10 * NS_PER_S
    assert rules.logout_wait_ns == 2 * NS_PER_S
    for text in told:
        assert text in PROSE


def test_a_field_without_words_is_found() -> None:
    """A page with a hole is not made."""
    source = dictionary.load()
    silent = attrs.evolve(source.fields["ClOrdID"], about="")
    source = attrs.evolve(source, fields=source.fields | {"ClOrdID": silent})

    with pytest.raises(dictionary.DictionaryError, match="ClOrdID: has a use and no `about`"):
        engagement(source, PROSE, example_day.read())


def test_a_message_without_an_example_is_found() -> None:
    """Each message of the dictionary is shown at least once."""
    day = [line for line in example_day.read() if line.msg_type != "Q"]

    with pytest.raises(dictionary.DictionaryError, match="DontKnowTrade: without an example"):
        engagement(dictionary.load(), PROSE, day)


def test_the_page_is_made_of_its_three_sources() -> None:
    """What the generator writes is the page that lies in docs."""
    page = engagement(dictionary.load(), PROSE, example_day.read())

    assert generate.generated(dictionary.load())["docs/rules_of_engagement.md"] == page == PAGE


def test_a_line_that_is_none_is_found() -> None:
    """The log of the example day says what is wrong with it."""
    with pytest.raises(ValueError, match="neither a message nor a comment: 8=FIX"):
        example_day.lines("8=FIX.4.4|9=5|")
