"""Connections that have not logged on yet: how many come from where, and who gives way to whom.

There is room for so many connections, and a connection that says nothing costs its owner as
little as one that logs on.  So when the room is used up a new one is let in all the same, and the
oldest of the address that has the most of them goes: nobody is kept out by connections that are
not his, as long as a logon takes less time than filling the room.

Which one goes depends on addresses and ages alone, and not on what it has said or what is thought
of it; so nobody learns anything from it.
"""

import itertools
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import define, field

from kk99fix.gateway.addresses import owner_of


@define(eq=False)
class Place:
    """The place of one connection."""

    address: str
    number: int
    scope: trio.CancelScope = field(factory=trio.CancelScope)


class WaitingRoom:
    """The places of all connections that have not logged on yet; one for the process."""

    def __init__(self) -> None:
        """Begin with nobody."""
        #: Places by whom they belong to, the oldest first.
        self._places: dict[str, OrderedDict[int, Place]] = {}
        self._count = 0
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def count_from(self, address: str) -> int:
        """How many come from this very address."""
        places = self._places.get(owner_of(address))
        return 0 if places is None else sum(each.address == address for each in places.values())

    @contextmanager
    def place(self, address: str) -> Iterator[Place]:
        """Have a place while the block runs; whoever gives way is cancelled in its scope."""
        place = Place(address, next(self._numbers))
        self._places.setdefault(owner_of(address), OrderedDict())[place.number] = place
        self._count += 1
        try:
            yield place
        finally:
            self._leave(place)

    def make_room(self) -> bool:
        """Let one give way, whose place counts no more; False when nobody is here."""
        if not self._places:
            return False
        most = max(map(len, self._places.values()))
        oldest = (next(iter(held.values())) for held in self._places.values() if len(held) == most)
        place = min(oldest, key=lambda place: place.number)
        self._leave(place)
        place.scope.cancel()
        return True

    def _leave(self, place: Place) -> None:
        owner = owner_of(place.address)
        held = self._places.get(owner)
        if held is None or held.pop(place.number, None) is None:
            return
        self._count -= 1
        if not held:
            del self._places[owner]
