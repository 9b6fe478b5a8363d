"""Writes what is made from `dictionary.toml`: the tables, and what counterparties are handed.

`python -m kk99fix.fix.generate` writes them into the source tree;
with `--check` it writes nothing and fails if one differs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kk99fix.fix import (
    dictionary,
    example_day,
    render_c,
    render_engagement,
    render_python,
    render_quickfix,
)

ROOT: Final = Path(__file__).resolve().parents[2]


def generated(source: dictionary.Dictionary) -> dict[str, str]:
    """Text of every generated file, by its path in the source tree."""
    prose = render_engagement.PROSE_PATH.read_text(encoding="utf-8")
    return {
        "docs/rules_of_engagement.md": render_engagement.engagement(
            source, prose, example_day.read()
        ),
        "kk99fix/fix/tables.py": render_python.tables_module(source),
        "matcher_c/include/kk_reasons.h": render_c.reasons_header(source),
        "matcher_c/src/fix_tables.h": render_c.tables_header(source),
        "matcher_c/src/fix_tables.c": render_c.tables_source(source),
        **{
            f"docs/fix/{render_quickfix.file_name(dialect)}": render_quickfix.data_dictionary(
                source, dialect
            )
            for dialect in render_quickfix.DIALECTS
        },
    }


def stale(root: Path | None = None) -> list[str]:
    """Paths whose file in the tree is not what the dictionary gives."""
    texts = generated(dictionary.load())
    return [path for path, text in texts.items() if _read((root or ROOT) / path) != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; the exit status is 1 if a checked file is stale."""
    parser = argparse.ArgumentParser(description="generate the tables of the message dictionary")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if one differs")
    check = parser.parse_args(arguments).check
    if check:
        paths = stale()
        for path in paths:
            sys.stdout.write(f"stale: {path}\n")
        return 1 if paths else 0
    for path, text in generated(dictionary.load()).items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    return 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
