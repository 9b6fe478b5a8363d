"""What has changed between two resolved configurations, in pieces that are small enough to apply.

A piece is the content of one CONFIG input that is a change.  Those that come first hold what the
later ones name: firms and accounts before their sessions, and what is gone last of all.
"""

from collections.abc import Iterator
from typing import Any, Final

#: The kinds of names, in the order in which they may be given.
KINDS: Final = ("instruments", "firms", "accounts", "sessions")
#: Names in one piece: about a fifth of a millisecond of the live thread.
PIECE_NAMES: Final = 4

Resolved = dict[str, Any]
#: "set" or "gone" -> kind -> names.
Change = dict[str, dict[str, Any]]


def pieces(before: Resolved, after: Resolved) -> Iterator[Change]:
    """Yield changes that turn `before` into `after`, one upon the other."""
    for kind in KINDS:
        known = before[kind]
        stated = [name for name, what in sorted(after[kind].items()) if known.get(name) != what]
        for some in _some(stated):
            yield change(stated={kind: {name: after[kind][name] for name in some}})
    for kind in reversed(KINDS):
        for some in _some(sorted(before[kind].keys() - after[kind].keys())):
            yield change(gone={kind: some})


def change(
    stated: dict[str, dict[str, Any]] | None = None, gone: dict[str, list[str]] | None = None
) -> Change:
    """Return a change with all kinds in it."""
    return {
        "set": {kind: (stated or {}).get(kind, {}) for kind in KINDS},
        "gone": {kind: (gone or {}).get(kind, []) for kind in KINDS},
    }


def _some(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), PIECE_NAMES):
        yield names[start : start + PIECE_NAMES]
