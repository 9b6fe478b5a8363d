"""The micro-benchmarks of the C core: run by its own Makefile, shown here.

They print lines `name value unit`; anything else they print is let pass.
"""

import re
import subprocess

import attrs

from bench.gateway_files import REPOSITORY

_FIGURE = re.compile(r"^(\S+)\s+(-?[0-9][0-9_,]*(?:\.[0-9]+)?)\s+(\S.*)$")


@attrs.frozen
class CoreFigure:
    """One figure of one micro-benchmark."""

    name: str
    value: float
    unit: str


def parse_figures(text: str) -> list[CoreFigure]:
    """Return the figures in what the micro-benchmarks printed."""
    matches = (_FIGURE.match(line) for line in text.splitlines())
    return [
        CoreFigure(match[1], float(match[2].replace(",", "").replace("_", "")), match[3].strip())
        for match in matches
        if match is not None
    ]


def run_core() -> list[CoreFigure]:
    """Build and run the micro-benchmarks; CalledProcessError if one fails."""
    done = subprocess.run(
        ["make", "-s", "-C", REPOSITORY / "matcher_c", "bench"],  # noqa: S607 - make comes from PATH
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return parse_figures(done.stdout)
