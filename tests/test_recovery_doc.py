"""The runbook quotes what the program says, and its links lead somewhere."""

import ast
import functools
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs/recovery.md").read_text()
#: What errors of the system are called.
SYSTEM = [os.strerror(number) for number in range(1, 134)]


@functools.cache
def said() -> str:
    """Every text of the program; parts of one f-string are kept apart by what stands between."""
    found = list(SYSTEM)
    for path in sorted((ROOT / "kk99fix").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append("".join(_part(part) for part in node.values))
    return "\n".join(found)


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    return "\n" if not isinstance(inner, ast.Constant) else str(inner.value)


def quotes() -> list[str]:
    """Every message that the runbook quotes."""
    return [quote.strip() for quote in re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)]


def phrases(quote: str) -> list[str]:
    """A message cut where the program puts something in, and at the ends of sentences."""
    cut = re.split(r"<[^>]+>|[.;:,](?= )|[.]$|`", quote)
    return [phrase for part in cut if len(phrase := part.strip(" .,;:`()")) > 3]


@pytest.mark.parametrize("quote", quotes())
def test_every_message_is_one_of_the_program(quote: str) -> None:
    """Each phrase of a quoted message stands in the source, or is the system's name of an error."""
    texts = said()
    missing = [phrase for phrase in phrases(quote) if not _is_said(phrase, texts)]

    assert phrases(quote)
    assert not missing


def _is_said(phrase: str, texts: str) -> bool:
    """Whether the program says this, at once or in two pieces that it puts together."""
    seams = [match.end() for match in re.finditer(" ", phrase)]
    pieces = [(phrase[:seam], phrase[seam:]) for seam in seams]
    return phrase in texts or any(a in texts and b in texts for a, b in pieces)


def test_links_lead_to_sections() -> None:
    """Every link within the runbook, and every section that a log line names, is there."""
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
    named = set(re.findall(r"docs/recovery\.md, '([^']+)'", said().replace("\n", "")))

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors
    assert named == {"Low disk space", "The clock stepped"}
    assert named <= set(titles)
