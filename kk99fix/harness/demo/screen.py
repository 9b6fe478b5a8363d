"""Where the demo is shown: lines of text for a pipe, a live picture for a terminal."""

import time
from collections.abc import Callable
from typing import Final, Protocol

import trio
from rich.console import Console
from rich.live import Live

from kk99fix.harness.demo.market import Market
from kk99fix.harness.demo.picture import picture
from kk99fix.harness.demo.report import Report, in_words

_PAINT_EVERY_S: Final = 0.1


class Screen(Protocol):
    """Shows a market while it changes."""

    def told(self, market: Market, broker: str, report: Report) -> None:
        """Take a report that a broker received."""

    def seen(self, market: Market, desk: str, report: Report) -> None:
        """Take a copy that the desk received."""

    async def run(self, market: Market) -> None:
        """Show, until cancelled."""


class Lines:
    """One line for each report and each copy."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Take where a line goes."""
        self._write = write

    def told(self, market: Market, broker: str, report: Report) -> None:
        """Write what a broker was told."""
        self._write(f"{report.time} {broker:<10} {in_words(report, market.price, market.qty)}")

    def seen(self, market: Market, desk: str, report: Report) -> None:
        """Write what the desk saw, and of whom."""
        words = in_words(report, market.price, market.qty)
        self._write(f"{report.time} {desk:<10} sees {report.broker}: {words}")

    async def run(self, market: Market) -> None:  # noqa: ARG002 - lines come by themselves
        """Do nothing."""
        await trio.sleep_forever()


class Painting:
    """The picture, on a screen of its own that goes away at the end."""

    def __init__(self, console: Console) -> None:
        """Take the terminal."""
        self._console = console

    def told(self, market: Market, broker: str, report: Report) -> None:
        """Leave it to the next painting."""

    def seen(self, market: Market, desk: str, report: Report) -> None:
        """Leave it to the next painting."""

    async def run(self, market: Market) -> None:
        """Paint ten times a second."""
        began = time.monotonic()
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            while True:
                elapsed_s = time.monotonic() - began
                width, height = self._console.size
                live.update(picture(market, elapsed_s, width, height), refresh=True)
                await trio.sleep(_PAINT_EVERY_S)
