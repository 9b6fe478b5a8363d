"""Log lines about large resends: one when it begins, one when it ends; and about removed messages.

A session that asks again and again has one pair of lines in ten seconds; the next line says how
many resends were left out.
"""

from collections.abc import Callable
from typing import Final

from attrs import define

from kk99fix.gateway.logs import Log
from kk99fix.gateway.ranges import UnderWay

NS_PER_S: Final = 1_000_000_000
#: A resend of fewer numbers is nothing special.
LARGE: Final = 10_000
EVERY_NS: Final = 10 * NS_PER_S


@define
class _Shown:
    """The last pair of lines of one session."""

    began_ns: int
    open: bool = True
    left_out: int = 0


class ResendLog:
    """Notes large resends; one for the process."""

    def __init__(self, log: Log, name_of: Callable[[int], str]) -> None:
        """Take the log, and what turns a session's id into its name."""
        self._log = log
        self._name_of = name_of
        self._shown: dict[int, _Shown] = {}
        #: When a session's removed messages were last told of.
        self._removed_ns: dict[int, int] = {}

    def began(self, session: int, wanted: UnderWay) -> None:
        """Note that a range is under way."""
        if wanted.size < LARGE:
            return
        before = self._shown.get(session)
        if before is not None and wanted.began_ns - before.began_ns < EVERY_NS:
            before.left_out += 1
            return
        self._shown[session] = _Shown(wanted.began_ns)
        more = {"left_out": before.left_out} if before is not None and before.left_out else {}
        self._log.info(
            "resend began",
            session=self._name_of(session),
            first=wanted.first,
            last=wanted.last,
            **more,
        )

    def ended(self, session: int, wanted: UnderWay, now_ns: int) -> None:
        """Note that the range was sent, or that nobody is there any more to get its rest."""
        shown = self._shown.get(session)
        if shown is None or not shown.open or wanted.size < LARGE:
            return
        shown.open = False
        self._log.info(
            "resend ended",
            session=self._name_of(session),
            first=wanted.first,
            last=wanted.last,
            unsent=wanted.last - wanted.next_number + 1,
            seconds=round((now_ns - shown.began_ns) / NS_PER_S, 3),
        )

    def removed(self, session: int, first: int, last: int, now_ns: int) -> None:
        """Note that numbers were filled since retention has removed their messages."""
        before_ns = self._removed_ns.get(session)
        if before_ns is None or now_ns - before_ns >= EVERY_NS:
            self._removed_ns[session] = now_ns
            name = self._name_of(session)
            self._log.info("removed messages filled", session=name, first=first, last=last)
