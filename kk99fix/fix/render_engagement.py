"""Renders the rules of engagement: what a counterparty has to know, as one Markdown page.

The chapters about a session as a whole are prose, in `engagement.md`; everything about messages,
fields and reject codes is the dictionary's, and the examples come from `example_day`.
What has to be described and is not raises DictionaryError, so that the page has no holes.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from kk99fix.fix.dictionary import Dictionary
from kk99fix.fix.example_day import Line
from kk99fix.fix.markdown import link
from kk99fix.fix.render_engagement_messages import messages
from kk99fix.fix.render_engagement_tables import tables

PROSE_PATH: Final = Path(__file__).with_name("engagement.md")

_HEAD: Final = """\
# Rules of engagement

<!-- Made by kk99fix.fix.generate from dictionary.toml, engagement.md and example_day.fix. -->

"""


def engagement(dictionary: Dictionary, prose: str, day: Sequence[Line]) -> str:
    """`docs/rules_of_engagement.md`."""
    opening, _, chapters = prose.partition("\n## ")
    sections = [
        f"## {chapters.strip()}",
        *messages(dictionary, day),
        *tables(dictionary),
        *_day(day),
    ]
    body = "\n\n".join(sections)
    return f"{_HEAD}{opening.strip()}\n\n{_contents(body)}\n\n{body}\n"


def _contents(body: str) -> str:
    """Links to every chapter and every message."""
    rows = ["## Contents", ""]
    for level, heading in re.findall(r"^(##|###) (.*)$", body, re.MULTILINE):
        rows.append(f"{'  ' * (len(level) - 2)}- {link(heading)}")
    return "\n".join(rows)


def _day(day: Sequence[Line]) -> Iterator[str]:
    yield "## A day as an example"
    yield (
        "Two brokers and a compliance desk; `>` comes from a counterparty, `<` from the venue, "
        "`!` is the operator.\nBROKER2 has dialect kk99."
    )
    told: list[str] = []
    for line in day:
        told += [f"# {line.caption}"] if line.caption else []
        told.append(f"{line.mark} {line.text}")
    yield "```\n" + "\n".join(told) + "\n```"
