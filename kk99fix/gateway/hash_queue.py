"""The queue in front of the password hash, which costs a tenth of a second of a core on purpose.

Few are verified at once and few wait.  Rules:

- Addresses take turns, so one that asks often waits behind itself, not before others.
- When too many wait, one of those gives way who wait for the same credential as most others, and
  among these one of the address with the most; so nobody is kept out by whoever floods another
  session, or comes from elsewhere.
- One credential is verified once at a time: how many guesses it has had is known before the next.

Addresses that one owner has are one; see `addresses.owner_of`.
"""

import itertools
from collections import Counter, OrderedDict, deque
from typing import Final

import trio
from attrs import define, field

from kk99fix.gateway.addresses import owner_of

AT_ONCE: Final = 2
WAITING_MAX: Final = 32


@define(eq=False)
class _Waiter:
    """Somebody in the queue."""

    credential: str
    number: int
    called: trio.Event = field(factory=trio.Event)
    #: Whether it is its turn; without, it has given way.
    granted: bool = False


class HashQueue:
    """Who may verify next; see the top of this module."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting_max: int = WAITING_MAX) -> None:
        """Begin with nobody."""
        self._at_once = at_once
        self._waiting_max = waiting_max
        #: Waiters by whom they belong to; whose turn is next stands first.
        self._lines: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._numbers = itertools.count()
        #: Credentials that are being verified.
        self._busy: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines.values()))

    async def enter(self, address: str, credential: str) -> bool:
        """Wait for a turn, which `leave` ends; False when there was no room to wait."""
        owner, waiter = owner_of(address), _Waiter(credential, next(self._numbers))
        self._lines.setdefault(owner, deque()).append(waiter)
        self._call_next()
        if self.waiting > self._waiting_max:
            self._one_gives_way()
        try:
            await waiter.called.wait()
        except trio.Cancelled:
            if waiter.granted:
                self.leave(credential)
            elif not waiter.called.is_set():
                self._remove(owner, waiter)
            raise
        return waiter.granted

    def leave(self, credential: str) -> None:
        """The turn of a credential is over."""
        self._busy.remove(credential)
        self._call_next()

    def _call_next(self) -> None:
        while len(self._busy) < self._at_once:
            found = self._next()
            if found is None:
                return
            owner, waiter = found
            self._remove(owner, waiter)
            if owner in self._lines:
                self._lines.move_to_end(owner)
            self._busy.add(waiter.credential)
            waiter.granted = True
            waiter.called.set()

    def _next(self) -> tuple[str, _Waiter] | None:
        for owner, line in self._lines.items():
            for waiter in line:
                if waiter.credential not in self._busy:
                    return owner, waiter
        return None

    def _one_gives_way(self) -> None:
        """Send the newest away of those whose credential, then whose address, most others share."""
        waiters = [(owner, waiter) for owner, line in self._lines.items() for waiter in line]
        of_credential = Counter(waiter.credential for _, waiter in waiters)
        owner, waiter = max(
            waiters,
            key=lambda item: (
                of_credential[item[1].credential],
                len(self._lines[item[0]]),
                item[1].number,
            ),
        )
        self._remove(owner, waiter)
        waiter.called.set()

    def _remove(self, owner: str, waiter: _Waiter) -> None:
        line = self._lines[owner]
        line.remove(waiter)
        if not line:
            del self._lines[owner]
